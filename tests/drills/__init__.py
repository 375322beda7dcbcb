"""Drills; the bots that they start look for garbage as seldom as `llmos` does, see `bot.cli`."""

import gc

gc.set_threshold(20_000)
