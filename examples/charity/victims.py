"""The victim's side of a charity. Run with --help.

Its message may come hours before or after the offender's: the two share the referral_id and nothing
else, and neither side waits for the other.
"""

from common import main


def handle(desk, transaction, kind, data, is_new):
    if kind == "victim.recalled":
        # She no longer agrees to be contacted: destroy what earlier messages said.
        data = {"referral_id": data["referral_id"], "revision": data["revision"]}
        print(f"{data['referral_id']}: stop all contact", flush=True)
    desk.keep(transaction, kind, data)
    # Her part is there only while she agrees.
    if is_new and "victim" in data:
        print(f"{data['referral_id']}: she agreed to be contacted", flush=True)


def handle_other(desk, transaction, kind, message_id, data):
    if kind != "victim.prompt":
        return False
    if data["what"] == "recalled":
        # Sent in error: stop and destroy.
        desk.forget(transaction, data["referral_id"])
    transaction.execute(
        "INSERT OR IGNORE INTO prompt VALUES (?, ?, ?, ?)",
        (message_id, data["referral_id"], data["what"], data["due_by"]),
    )
    print(f"{data['referral_id']}: {data['what']}, tell her by {data['due_by']}", flush=True)
    return True


if __name__ == "__main__":
    main(__doc__, handle, handle_other, queue="victims", rejected="victim_rejected", exchange="victim_outcomes",
         event_type="uk.cara.victim_outcome.v1")
