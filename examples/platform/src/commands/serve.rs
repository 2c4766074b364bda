//! The commands `serve` and `worker`. They run until the process gets a signal, and then shut down.

use std::future::Future;
use std::io::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app::App;
use crate::clock;
use crate::commands::open;
use crate::config::Settings;
use crate::error::{Problem, Result};
use crate::jobs::work;
use crate::router::router;
use crate::services::demo;

/// The interval at which ended sessions are deleted.
const SWEEP: Duration = Duration::from_secs(600);

/// A running server and its workers, which run jobs.
pub struct Server {
    pub address: SocketAddr,
    stop: watch::Sender<bool>,
    web: JoinHandle<std::io::Result<()>>,
    workers: Vec<JoinHandle<()>>,
    app: App,
}

/// Starts the server. Also starts the workers if the setting `worker` is true.
pub async fn bind(app: App) -> Result<Server> {
    let listener = TcpListener::bind(app.settings.address).await?;
    let address = listener.local_addr()?;
    let (stop, stopped) = watch::channel(false);
    let service = router(app.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let mut drained = stopped.clone();
    let web = axum::serve(listener, service).with_graceful_shutdown(async move {
        let _ = drained.wait_for(|stop| *stop).await;
    });
    let web = tokio::spawn(async move { web.await });
    let mut workers = vec![];
    if app.settings.worker {
        workers.extend((0..app.settings.worker_slots).map(|_| tokio::spawn(work(app.clone(), stopped.clone()))));
    }
    workers.push(tokio::spawn(sweep(app.clone(), stopped)));
    Ok(Server {
        address,
        stop,
        web,
        workers,
        app,
    })
}

impl Server {
    /// Shuts the server down. It accepts no new requests and finishes the open requests. Running jobs go back into the
    /// queue.
    pub async fn shut_down(self) -> Result<()> {
        self.app.drain();
        self.stop.send_replace(true);
        let ended = async {
            let _ = self.web.await;
            for worker in self.workers {
                let _ = worker.await;
            }
        };
        if tokio::time::timeout(self.app.settings.drain, ended).await.is_err() {
            tracing::warn!("requests or jobs were still open at the end");
        }
        self.app.close().await;
        Ok(())
    }
}

async fn sweep(app: App, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let now = app.clock.micros();
        let idle_since = now - clock::micros(app.settings.session_idle);
        if let Err(problem) = app.control.sweep(now, idle_since).await {
            tracing::warn!(detail = problem.detail, "ended sessions were not deleted");
        }
        tokio::select! {
            () = tokio::time::sleep(SWEEP) => {}
            _ = stop.changed() => {}
        }
    }
}

/// Returns a future that completes when the process gets SIGTERM or SIGINT.
fn signal() -> Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Returns an error if the store does not isolate companies from each other.
async fn attest(app: &App) -> Result<()> {
    let attestation = app.store.attest().await?;
    attestation.sign_off()?;
    tracing::info!(fingerprint = attestation.fingerprint, "isolation is attested");
    Ok(())
}

pub(super) async fn serve(settings: Settings) -> Result<()> {
    let signal = signal()?;
    let alone = open(settings).await?;
    let app = &alone.app;
    attest(app).await?;
    if app.settings.demo {
        demo::begin(app).await?;
    }
    let server = bind(app.clone()).await?;
    announce(app, server.address);
    signal.await;
    tracing::info!("shutdown begins");
    // A second signal ends the process at once.
    let second = self::signal()?;
    tokio::select! {
        done = server.shut_down() => done,
        () = second => Err(Problem::internal("ended by a second signal")),
    }
}

/// Prints the URL of the pages, and the logins of the demo accounts.
fn announce(app: &App, address: SocketAddr) {
    let own = format!("http://{address}");
    let mut text = format!(
        "Churn platform: {}\n",
        app.settings.public_url.as_deref().unwrap_or(&own)
    );
    if app.settings.demo {
        let password = &app.settings.demo_password;
        text.push_str(&format!("Demo mode. The password of all accounts: {password}\n"));
        for (email, name, roles) in demo::ACCOUNTS {
            let companies = demo::COMPANIES.iter().zip(roles);
            let roles = companies.filter_map(|((_, company), role)| Some(format!("{} of {company}", role?.as_str())));
            let roles = roles.collect::<Vec<_>>().join(", ");
            text.push_str(&format!("  {email:<22} {name}: {roles}\n"));
        }
    }
    // An error is ignored here. `println!` would panic if the reader of the output has closed it.
    let _ = std::io::stdout().write_all(text.as_bytes());
}

pub(super) async fn worker(settings: Settings) -> Result<()> {
    let signal = signal()?;
    let alone = open(settings).await?;
    let (stop, stopped) = watch::channel(false);
    let slots = alone.app.settings.worker_slots;
    let workers: Vec<_> = (0..slots)
        .map(|_| tokio::spawn(work(alone.app.clone(), stopped.clone())))
        .collect();
    println!("The worker runs jobs.");
    signal.await;
    stop.send_replace(true);
    for worker in workers {
        worker.await?;
    }
    alone.app.close().await;
    Ok(())
}
