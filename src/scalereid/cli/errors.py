"""Why a command ends early."""


class UsageError(Exception):
    """The command line is not understood; the message says what to type instead."""


class Stopped(KeyboardInterrupt):
    """The user stopped a training, which is saved; the message is the command that goes on with it."""
