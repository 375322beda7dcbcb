"""Configuration: `load` for those who run, `problems` for those who check. Only cli and app import this."""

from bot.config.loading import FILE_NAME, describe_source, examine, find, load, problems
from bot.config.problem import Level, Problem, errors, summary
from bot.config.secrets import Secret
from bot.config.sections import (
    Bot,
    Config,
    Discord,
    Engine,
    Llm,
    Matrix,
    Metrics,
    Permissions,
    Privacy,
    Quota,
    Recommend,
    Storage,
)

__all__ = [
    "FILE_NAME",
    "Bot",
    "Config",
    "Discord",
    "Engine",
    "Level",
    "Llm",
    "Matrix",
    "Metrics",
    "Permissions",
    "Privacy",
    "Problem",
    "Quota",
    "Recommend",
    "Secret",
    "Storage",
    "describe_source",
    "errors",
    "examine",
    "find",
    "load",
    "problems",
    "summary",
]
