"""`llmos moderate`: rules and classifiers, tried on files of messages."""

from cyclopts import App

command = App(name="moderate", help="Try rules and classifiers on files of messages.")

_HELP = "Tell what rules would have done on past messages."

command.command("bot.cli.moderation.replay:command", name="replay", help=_HELP)
