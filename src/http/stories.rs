//! What the edge asks of the rest of the gateway: one call for each request.

use cara_wire::api;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use cara_flow::case::consult;
use cara_flow::hold::release;
use cara_flow::hold::{HoldLine, HoldPage, Released};
use cara_flow::notice;
use cara_flow::notice::letter;
use cara_flow::notice::letter::Letter;
use cara_flow::operate;
use cara_flow::operate::Order;
use cara_flow::outbox::resend;
use cara_flow::record::accept;
use cara_flow::record::{Accepted, Submission};
use cara_flow::{Caller, Operator, Refusal};

/// The stories behind the API. `flow::Gateway` tells them; a test of the edge alone tells its own.
pub trait Stories: Send + Sync + 'static {
    fn accept<'a>(
        &'a self,
        caller: &'a Caller,
        submission: Submission,
    ) -> BoxFuture<'a, Result<Accepted, Refusal>>;

    /// Where a referral is; another force's is absent.
    fn referral<'a>(
        &'a self,
        caller: &'a Caller,
        id: Uuid,
    ) -> BoxFuture<'a, Result<api::ReferralView, Refusal>>;

    fn find<'a>(
        &'a self,
        caller: &'a Caller,
        record_ref: String,
    ) -> BoxFuture<'a, Result<api::FindAnswer, Refusal>>;

    /// `force`: two digits, for a caller that stands for several.
    fn reconciliation<'a>(
        &'a self,
        caller: &'a Caller,
        force: Option<String>,
        day: Date,
    ) -> BoxFuture<'a, Result<api::Reconciliation, Refusal>>;

    /// One page of the notices to the caller's force.
    fn notices<'a>(
        &'a self,
        caller: &'a Caller,
        asked: notice::Asked,
    ) -> BoxFuture<'a, Result<api::NoticePage, Refusal>>;

    /// The first notice that the force has not taken over, in its own format.
    fn next_letter<'a>(
        &'a self,
        caller: &'a Caller,
        asked: notice::Asked,
    ) -> BoxFuture<'a, Result<Option<Letter>, Refusal>>;

    /// The force has taken a notice over.
    fn acknowledge<'a>(
        &'a self,
        caller: &'a Caller,
        id: Uuid,
    ) -> BoxFuture<'a, Result<(), Refusal>>;

    /// The caller's forces with the mappings that read their records.
    fn forces_of(&self, caller: &Caller) -> Vec<api::ForceView>;

    /// The page behind an `M` code.
    fn mapping_page(&self, code: &str) -> Option<api::ProblemPage>;

    /// What an operator looks at or orders besides holds.
    fn order<'a>(
        &'a self,
        operator: &'a Operator,
        order: Order,
    ) -> BoxFuture<'a, Result<serde_json::Value, Refusal>>;

    /// Holds oldest first; `after` exclusive.
    fn holds<'a>(
        &'a self,
        operator: &'a Operator,
        force: Option<String>,
        all: bool,
        after: Option<Uuid>,
    ) -> BoxFuture<'a, Result<HoldPage, Refusal>>;

    /// One hold; with a reason also the record as the force sent it.
    fn hold_show<'a>(
        &'a self,
        operator: &'a Operator,
        id: Uuid,
        unmask: Option<String>,
    ) -> BoxFuture<'a, Result<(HoldLine, Option<String>), Refusal>>;

    fn release<'a>(
        &'a self,
        operator: &'a Operator,
        id: Uuid,
        because: String,
    ) -> BoxFuture<'a, Result<Released, Refusal>>;

    fn return_hold<'a>(
        &'a self,
        operator: &'a Operator,
        id: Uuid,
        because: String,
    ) -> BoxFuture<'a, Result<(), Refusal>>;

    /// Sends to a provider again what was confirmed since then; answers how many messages.
    fn resend<'a>(
        &'a self,
        operator: &'a Operator,
        provider: String,
        since: Timestamp,
        because: String,
    ) -> BoxFuture<'a, Result<u64, Refusal>>;
}

/// The broker's dead queues, for operators.
pub trait DeadLetters: Send + Sync + 'static {
    /// Every dead queue with the number of messages in it.
    fn list(&self) -> BoxFuture<'_, Result<Vec<DeadQueue>, Refusal>>;

    /// Puts all messages of a dead queue back with the same ids; answers how many.
    fn give_back(&self, queue: String) -> BoxFuture<'_, Result<u64, Refusal>>;
}

/// A dead queue. One message in it is an incident. None: its broker could not be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadQueue {
    pub queue: String,
    pub messages: Option<u64>,
}

impl Stories for cara_flow::Gateway {
    fn accept<'a>(
        &'a self,
        caller: &'a Caller,
        submission: Submission,
    ) -> BoxFuture<'a, Result<Accepted, Refusal>> {
        accept::accept(self, caller, submission).boxed()
    }
    fn referral<'a>(
        &'a self,
        caller: &'a Caller,
        id: Uuid,
    ) -> BoxFuture<'a, Result<api::ReferralView, Refusal>> {
        consult::referral(self, caller, id).boxed()
    }
    fn find<'a>(
        &'a self,
        caller: &'a Caller,
        record_ref: String,
    ) -> BoxFuture<'a, Result<api::FindAnswer, Refusal>> {
        consult::find(self, caller, record_ref).boxed()
    }
    fn reconciliation<'a>(
        &'a self,
        caller: &'a Caller,
        force: Option<String>,
        day: Date,
    ) -> BoxFuture<'a, Result<api::Reconciliation, Refusal>> {
        async move { consult::reconciliation(self, caller, force.as_deref(), day).await }.boxed()
    }
    fn notices<'a>(
        &'a self,
        caller: &'a Caller,
        asked: notice::Asked,
    ) -> BoxFuture<'a, Result<api::NoticePage, Refusal>> {
        notice::notices(self, caller, asked).boxed()
    }
    fn next_letter<'a>(
        &'a self,
        caller: &'a Caller,
        asked: notice::Asked,
    ) -> BoxFuture<'a, Result<Option<Letter>, Refusal>> {
        letter::next_letter(self, caller, asked).boxed()
    }
    fn order<'a>(
        &'a self,
        operator: &'a Operator,
        order: Order,
    ) -> BoxFuture<'a, Result<serde_json::Value, Refusal>> {
        operate::order(self, operator, order).boxed()
    }
    fn acknowledge<'a>(
        &'a self,
        caller: &'a Caller,
        id: Uuid,
    ) -> BoxFuture<'a, Result<(), Refusal>> {
        notice::acknowledge(self, caller, id).boxed()
    }
    fn forces_of(&self, caller: &Caller) -> Vec<api::ForceView> {
        consult::forces_of(self, caller)
    }
    fn mapping_page(&self, code: &str) -> Option<api::ProblemPage> {
        cara_flow::mapping::mapping_page(code)
    }
    fn holds<'a>(
        &'a self,
        operator: &'a Operator,
        force: Option<String>,
        all: bool,
        after: Option<Uuid>,
    ) -> BoxFuture<'a, Result<HoldPage, Refusal>> {
        consult::holds(self, operator, force, all, after).boxed()
    }
    fn hold_show<'a>(
        &'a self,
        operator: &'a Operator,
        id: Uuid,
        unmask: Option<String>,
    ) -> BoxFuture<'a, Result<(HoldLine, Option<String>), Refusal>> {
        consult::hold_show(self, operator, id, unmask).boxed()
    }
    fn release<'a>(
        &'a self,
        operator: &'a Operator,
        id: Uuid,
        because: String,
    ) -> BoxFuture<'a, Result<Released, Refusal>> {
        release::release(self, operator, id, because).boxed()
    }
    fn return_hold<'a>(
        &'a self,
        operator: &'a Operator,
        id: Uuid,
        because: String,
    ) -> BoxFuture<'a, Result<(), Refusal>> {
        release::return_hold(self, operator, id, because).boxed()
    }
    fn resend<'a>(
        &'a self,
        operator: &'a Operator,
        provider: String,
        since: Timestamp,
        because: String,
    ) -> BoxFuture<'a, Result<u64, Refusal>> {
        resend::resend(self, operator, provider, since, because).boxed()
    }
}
