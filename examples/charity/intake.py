"""The offender's side of a charity. Run with --help.

It never sees anything about a victim: the broker lets its user read the intake queue only.
"""

from common import main


def handle(desk, transaction, kind, data, is_new):
    desk.keep(transaction, kind, data)
    if is_new:
        desk.report(transaction, data["referral_id"], data["revision"], "received")
        print(f"{data['referral_id']} has arrived", flush=True)
    else:
        print(f"{data['referral_id']} is now {kind}, revision {data['revision']}", flush=True)


if __name__ == "__main__":
    main(__doc__, handle, queue="intake", rejected="rejected", exchange="outcomes",
         event_type="uk.cara.outcome.v1")
