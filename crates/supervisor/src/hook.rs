//! What happens at a panic.

use std::cell::Cell;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::pin::pin;
use std::sync::{Once, OnceLock};
use std::time::Duration;

use tokio::sync::watch;

use super::point::stop_s_max;
use cara_metric::Metric;

/// What a dying process has for finishing what it promised, before it is ended hard.
const STOP_S_MAX: u64 = 45;

/// A contained piece of work panicked; the log says where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it ended by a fault of the gateway's own")]
pub struct Panicked;

/// What the thread is working on now.
#[derive(Clone, Copy, Debug)]
enum Scope {
    /// Nothing that has a name of its own: the thread's name stands for it.
    Thread,
    Task(&'static str),
    Contained,
}

thread_local! {
    static SCOPE: Cell<Scope> = const { Cell::new(Scope::Thread) };
}

/// Why the process must end: set once, never taken back.
static DEATH: OnceLock<watch::Sender<Option<String>>> = OnceLock::new();

/// Puts the scope back when a step of work is left, however it is left.
struct Back(Scope);

impl Drop for Back {
    fn drop(&mut self) {
        SCOPE.set(self.0);
    }
}

fn enter(scope: Scope) -> Back {
    Back(SCOPE.replace(scope))
}

/// Carries out work whose panic is its own affair: one request, one message, one case.
pub async fn contain<T>(work: impl Future<Output = T>) -> Result<T, Panicked> {
    within(Scope::Contained, work).await
}

/// The same for work that does not wait.
pub fn contain_now<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    let _back = enter(Scope::Contained);
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| Panicked)
}

/// Carries out a loop under its name.
pub(crate) async fn named<T>(
    name: &'static str,
    work: impl Future<Output = T>,
) -> Result<T, Panicked> {
    within(Scope::Task(name), work).await
}

async fn within<T>(scope: Scope, work: impl Future<Output = T>) -> Result<T, Panicked> {
    let mut work = pin!(work);
    poll_fn(|context| {
        let _back = enter(scope);
        match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
            Ok(polled) => polled.map(Ok),
            // What panicked is not asked again: `poll_fn` is ready.
            Err(_) => std::task::Poll::Ready(Err(Panicked)),
        }
    })
    .await
}

/// Puts the rule into force for this process.
pub fn install(metric: Metric) {
    let _ = DEATH.set(watch::Sender::new(None));
    std::panic::set_hook(Box::new(move |panic| {
        metric.panic();
        at_panic(panic);
    }));
}

fn at_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    // Any other text was put together while the program ran.
    let text = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or_default();
    let thread = std::thread::current();
    let name = match SCOPE.get() {
        Scope::Contained => {
            tracing::error!(place, text, "supervisor.panic: one piece of work failed");
            return;
        }
        Scope::Task(name) => name,
        Scope::Thread => thread.name().unwrap_or("a thread without a name"),
    };
    tracing::error!(name, place, text, "supervisor.panic: the process ends");
    die(format!("{name} panicked at {place}"));
}

/// Says that the process must end, and why: its last line. The first reason stands.
pub fn die(reason: String) {
    end_in_time();
    if let Some(death) = DEATH.get() {
        death.send_if_modified(|known| match known {
            Some(_) => false,
            None => {
                *known = Some(reason);
                true
            }
        });
    }
}

/// Waits until something has died that the process cannot be without, and says what.
pub(crate) async fn dying() -> String {
    let Some(death) = DEATH.get() else { return std::future::pending().await };
    let mut death = death.subscribe();
    match death.wait_for(Option::is_some).await {
        Ok(reason) => reason.clone().unwrap_or_default(),
        Err(_) => unreachable!("the sender is never dropped"),
    }
}

/// From now on the process has 45 seconds; then it ends as it stands. What was acknowledged is on the disk
/// at any moment.
pub fn end_in_time() {
    static BEGUN: Once = Once::new();
    BEGUN.call_once(|| end_after(stop_s_max().unwrap_or(STOP_S_MAX)));
}

fn end_after(seconds: u64) {
    let ending = std::thread::Builder::new().name("supervisor-end".into()).spawn(move || {
        std::thread::sleep(Duration::from_secs(seconds));
        tracing::error!(
            seconds,
            "supervisor.stop: it took too long; the process ends as it stands"
        );
        std::process::exit(1);
    });
    if ending.is_err() {
        // Nobody could end it later.
        std::process::exit(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn contained_work_fails_alone() {
        assert_eq!(contain_now(|| 7), Ok(7));
        assert_eq!(contain_now(|| panic!("meant")), Err::<(), _>(Panicked));
        assert!(matches!(SCOPE.get(), Scope::Thread));
        let failed = contain(async {
            tokio::task::yield_now().await;
            assert!(matches!(SCOPE.get(), Scope::Contained));
            panic!("meant")
        });
        assert_eq!(failed.await, Err::<(), _>(Panicked));
        let named = named("loop", async {
            let inner = contain(async { SCOPE.get() }).await;
            (inner, SCOPE.get())
        });
        let (inner, outer) = named.await.unwrap();
        assert!(matches!(inner, Ok(Scope::Contained)));
        assert!(matches!(outer, Scope::Task("loop")));
    }
}
