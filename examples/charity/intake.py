"""The offender's side of a charity. Run with --help.

It never sees anything about a victim: the broker lets its user read the intake queue only.
"""

import json

from common import main


def handle(desk, transaction, kind, data, is_new):
    desk.keep(transaction, kind, data)
    if is_new:
        desk.report(transaction, data["referral_id"], data["revision"], "received")
        print(f"{data['referral_id']} has arrived", flush=True)
    else:
        print(f"{data['referral_id']} is now {kind}, revision {data['revision']}", flush=True)


def handle_other(desk, transaction, kind, _message_id, data):
    referral_id = data["referral_id"]
    if kind == "caution.decision":
        transaction.execute("INSERT OR IGNORE INTO decision VALUES (?, ?, ?)",
                            (data["decision_id"], referral_id, json.dumps(data)))
        print(f"{referral_id}: police decided {data['decision']}", flush=True)
        return True
    if kind == "recall":
        # Sent in error: stop, destroy, and confirm it.
        desk.forget(transaction, referral_id)
        desk.report(transaction, referral_id, data["revision"], "closed")
        print(f"{referral_id}: recalled, destroyed", flush=True)
        return True
    return False


if __name__ == "__main__":
    main(__doc__, handle, handle_other, queue="intake", rejected="rejected", exchange="outcomes",
         event_type="uk.cara.outcome.v1")
