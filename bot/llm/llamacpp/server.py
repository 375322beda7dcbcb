"""The process in which llama.cpp runs: `python -m bot.llm.llamacpp.server`, started by `process`.

A process of its own, because llama.cpp holds Python's global lock while it loads a model, and because what
crashes it then crashes nothing else. It reads one line of JSON, answers with one, and ends when its input
ends: a bot that was killed leaves nothing running.
"""

import json
import os
import sys

import xllamacpp

from bot.llm.llamacpp.task import Task


def _parameters(task: Task) -> xllamacpp.CommonParams:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = task.path
    parameters.n_ctx = task.context_tokens * task.slots
    parameters.n_parallel = task.slots
    parameters.cpuparams.n_threads = task.threads
    parameters.cpuparams_batch.n_threads = task.threads
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.api_keys = [task.key]
    parameters.ui = False
    parameters.endpoint_slots = False
    parameters.endpoint_metrics = True
    parameters.verbosity = -1  # at other levels it writes prompts
    return parameters


def main() -> None:
    """Serve until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever llama.cpp prints is no answer of ours
    task = Task.from_line(sys.stdin.readline())
    try:
        server = xllamacpp.Server(_parameters(task))
    except RuntimeError as error:
        answers.write(json.dumps({"error": str(error)}) + "\n")
        answers.close()
        return
    answers.write(json.dumps({"address": server.listening_address}) + "\n")
    answers.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
