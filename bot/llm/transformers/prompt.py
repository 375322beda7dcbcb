"""Turns to tokens, by the model's own chat template or a plain one for base models."""

import re
from collections.abc import Sequence

from jinja2.exceptions import TemplateError
from transformers import PreTrainedTokenizerBase

from bot.core.errors import ModelBroken
from bot.llm.model import Turn

_SPEAKERS = {"user": "User", "assistant": "Assistant"}
BASE_STOPS = ("\nUser:", "\nAssistant:", "\nSystem:")
"""What a base model writes when it goes on with the other side of the conversation."""


class Prompt:
    """Writes prompts for one tokenizer.

    Attributes:
        is_chat: the tokenizer brings a chat template.
        stops: strings that end an answer besides the model's own end-of-turn tokens.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """Args: tokenizer: used from several threads, so it must not be changed any more."""
        self._tokenizer = tokenizer
        self.is_chat = bool(tokenizer.chat_template)
        self.stops = () if self.is_chat else BASE_STOPS
        self._markup = _markup_pattern(tokenizer)
        self.ids((Turn("user", "warm"),))  # switches truncation off, which changes the tokenizer: only here

    def ids(self, turns: Sequence[Turn]) -> list[int]:
        """The tokens of a conversation, ending where the assistant begins to write.

        Raises:
            ModelBroken: the model's chat template cannot be used.
        """
        clean = [Turn(turn.role, self._without_markup(turn.text)) for turn in turns]
        text = self._chat_text(clean) if self.is_chat else _plain_text(clean)
        return list(self._tokenizer(text, add_special_tokens=not self.is_chat)["input_ids"])

    def _chat_text(self, turns: Sequence[Turn]) -> str:
        try:
            return self._render(turns)
        except TemplateError:
            # templates that know no system role, or insist on user and assistant in turn
            folded = _folded(turns)
        try:
            return self._render(folded)
        except TemplateError as error:
            raise ModelBroken(f"The model's chat template refuses this conversation: {error}") from error

    def _render(self, turns: Sequence[Turn]) -> str:
        messages = [{"role": turn.role, "content": turn.text} for turn in turns]
        # enable_thinking is how Qwen3, SmolLM3 and others name it; templates ignore what they do not know
        return str(
            self._tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=True, enable_thinking=False
            )
        )

    def _without_markup(self, text: str) -> str:
        """Nobody but the template writes control tokens: `<|im_end|>` in a message becomes `< |im_end|>`."""
        whole = text.encode("utf-8", "replace").decode()  # a lone surrogate is no text to a tokenizer
        return (
            self._markup.sub(lambda found: f"{found[0][0]} {found[0][1:]}", whole) if self._markup else whole
        )


def _markup_pattern(tokenizer: PreTrainedTokenizerBase) -> re.Pattern[str] | None:
    added = {str(token) for token in tokenizer.added_tokens_decoder.values()} | set(
        tokenizer.all_special_tokens
    )
    markup = sorted((token for token in added if len(token) > 1 and token[0] in "<[|"), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, markup))) if markup else None


def _plain_text(turns: Sequence[Turn]) -> str:
    """A transcript that a base model is likely to continue as the assistant."""
    system = [turn.text for turn in turns if turn.role == "system"]
    spoken = [f"{_SPEAKERS[turn.role]}: {turn.text}" for turn in turns if turn.role != "system"]
    return "\n\n".join([*system, "\n".join([*spoken, "Assistant:"])])


def _folded(turns: Sequence[Turn]) -> list[Turn]:
    """The same words as alternating turns; what the system says opens the user's first."""
    folded: list[Turn] = []
    for turn in turns:
        role = "user" if turn.role == "system" else turn.role
        if folded and folded[-1].role == role:
            folded[-1] = Turn(role, f"{folded[-1].text}\n\n{turn.text}")
        else:
            folded.append(Turn(role, turn.text))
    return folded
