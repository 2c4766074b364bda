//! Support for tests: records the statements that run, and can replace one statement with a faulty statement.

use std::cell::RefCell;
use std::future::Future;

#[derive(Default)]
struct Sabotage {
    seen: Vec<String>,
    replace: Option<(String, String)>,
    swap: Option<u32>,
}

tokio::task_local! {
    static SABOTAGE: RefCell<Sabotage>;
}

async fn scoped<T>(sabotage: Sabotage, work: impl Future<Output = T>) -> (T, Sabotage) {
    SABOTAGE
        .scope(RefCell::new(sabotage), async {
            let done = work.await;
            (done, SABOTAGE.with(RefCell::take))
        })
        .await
}

/// Runs `work`. Returns the result of `work` and the statements that `work` ran.
pub(crate) async fn recorded<T>(work: impl Future<Output = T>) -> (T, Vec<String>) {
    let (done, sabotage) = scoped(Sabotage::default(), work).await;
    (done, sabotage.seen)
}

/// Runs `work`. Whenever `work` would run `statement`, the statement `mutant` runs instead.
pub(crate) async fn with<T>(statement: &str, mutant: &str, work: impl Future<Output = T>) -> T {
    let sabotage = Sabotage {
        replace: Some((statement.to_owned(), mutant.to_owned())),
        ..Default::default()
    };
    scoped(sabotage, work).await.0
}

/// Runs `work`. Every seventh time that `work` passes a tenant's id to a statement, another tenant's id is passed
/// instead.
pub(crate) async fn with_swapped_tenant<T>(work: impl Future<Output = T>) -> T {
    let sabotage = Sabotage {
        swap: Some(0),
        ..Default::default()
    };
    scoped(sabotage, work).await.0
}

/// Records a statement, and returns the statement to run in its place.
pub(super) fn statement(sql: &str) -> String {
    let replaced = SABOTAGE.try_with(|sabotage| {
        let mut sabotage = sabotage.borrow_mut();
        sabotage.seen.push(sql.to_owned());
        sabotage
            .replace
            .as_ref()
            .filter(|(from, _)| from == sql)
            .map(|(_, to)| to.clone())
    });
    replaced.ok().flatten().unwrap_or_else(|| sql.to_owned())
}

/// Returns the tenant's id to pass to a statement. If tenants are swapped, every seventh call returns another tenant's
/// id.
pub(super) fn tenant(tenant: &str) -> String {
    let swapped = SABOTAGE.try_with(|sabotage| {
        let mut sabotage = sabotage.borrow_mut();
        let count = sabotage.swap.as_mut()?;
        *count += 1;
        (*count % 7 == 0).then(|| match tenant.ends_with('a') {
            true => tenant.trim_end_matches('a').to_owned() + "b",
            false => tenant.trim_end_matches('b').to_owned() + "a",
        })
    });
    swapped.ok().flatten().unwrap_or_else(|| tenant.to_owned())
}
