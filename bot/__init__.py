"""LLMOS: one self-hosted bot for a community that lives on Discord and Matrix."""

__version__ = "0.1.0"
