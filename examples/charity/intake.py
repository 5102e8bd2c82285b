"""The offender's side of a charity. Run with --help.

It never sees anything about a victim: the broker lets its user read the intake queue only.
"""

import argparse

from common import Desk, arguments, go


def handle(desk, transaction, kind, data, is_new):
    desk.keep(transaction, kind, data)
    if is_new:
        desk.report(transaction, data["referral_id"], data["revision"], "received")
        print(f"{data['referral_id']} has arrived", flush=True)
    else:
        print(f"{data['referral_id']} is now {kind}, revision {data['revision']}", flush=True)


if __name__ == "__main__":
    options = arguments(argparse.ArgumentParser(description=__doc__))
    desk = Desk(options.url, options.provider, options.database, "intake", "rejected",
                "outcomes", "uk.cara.outcome.v1")
    go(desk, options, handle)
