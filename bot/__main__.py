"""`python -m bot` and `llmos`."""

from bot.cli import run as main

__all__ = ["main"]

if __name__ == "__main__":
    main()
