//! Where records go in.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use cara_flow::record::{Accepted, Submission, accept};
use cara_flow::{Caller, Gateway, RecordRefusal, Unfinished};

/// The gateway, or what a test of this room alone has in its place.
pub trait TakesRecords: Send + Sync + 'static {
    fn take<'a>(
        &'a self,
        caller: &'a Caller,
        submission: Submission,
    ) -> BoxFuture<'a, Result<Accepted, Unfinished<RecordRefusal>>>;
}

impl TakesRecords for Gateway {
    fn take<'a>(
        &'a self,
        caller: &'a Caller,
        submission: Submission,
    ) -> BoxFuture<'a, Result<Accepted, Unfinished<RecordRefusal>>> {
        accept::accept(self, caller, submission).boxed()
    }
}
