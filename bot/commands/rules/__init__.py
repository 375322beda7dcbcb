"""`rules ...`: what moderators let the bot look for, and what it may do about it."""
