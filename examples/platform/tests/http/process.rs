//! Tests of the program as a process: its commands, its lock file, and what happens after it is killed.

use std::process::{Command, Output, Stdio};
use std::time::Duration;

use churn_platform::repositories::ControlPlane;

use crate::site::{Folder, Site};

fn platform(folder: &Folder, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_churn-platform"));
    command
        .args(arguments)
        .current_dir(folder.path())
        .env_clear()
        .env("PLATFORM_ADDRESS", "127.0.0.1:0")
        .env("PLATFORM_DEMO_CUSTOMERS", "150")
        .stdin(Stdio::null());
    command
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// If a process is killed, its unfinished jobs begin again, and their results are stored only once.
#[tokio::test]
async fn a_seed_that_is_killed_several_times_is_complete_in_the_end() {
    let folder = Folder::new();
    for millis in [700, 1500, 2500] {
        let mut child = platform(&folder, &["seed"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(millis));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let output = platform(&folder, &["seed"]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let control = ControlPlane::open(&folder.path().join("platform-data/platform.db"))
        .await
        .unwrap();
    let path = folder.path().join("platform-data/churn.db");
    let store = churn_store::Store::open(&format!("sqlite://{}", path.display()))
        .await
        .unwrap();
    let mut attempts = 0;
    for company in ["t001", "t002", "t003"] {
        let jobs = control.jobs_of(company, 10).await.unwrap();
        assert_eq!(jobs.len(), 1, "{company}");
        assert_eq!(jobs[0].status.as_str(), "done", "{company}: {:?}", jobs[0].error);
        attempts += jobs[0].attempts;
        let tenant = store.tenant(company);
        assert_eq!(tenant.scores().runs(100).await.unwrap().len(), 8, "{company}");
        assert_eq!(tenant.models().list().await.unwrap().len(), 1, "{company}");
        assert_eq!(tenant.customers().count_customers().await.unwrap(), 150, "{company}");
    }
    assert!(attempts > 3, "no job was interrupted, so this test checks nothing");
}

#[tokio::test]
async fn commands_do_what_they_say_or_say_that_they_cannot() {
    let folder = Folder::new();
    let run = |arguments: &[&str]| platform(&folder, arguments).output().unwrap();
    let sync = run(&["sync"]);
    assert_eq!(sync.status.code(), Some(2), "{}", text(&sync));
    assert!(text(&sync).contains("not built yet"));
    assert_eq!(run(&["fly"]).status.code(), Some(2));
    let shown = run(&["config", "show"]);
    assert!(
        shown.status.success() && text(&shown).contains("environment"),
        "{}",
        text(&shown)
    );
    assert!(!text(&shown).contains("demo churn password"));
    let refused = platform(&folder, &["serve"])
        .env("PLATFORM_ADDRESS", "0.0.0.0:0")
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused).contains("loopback"), "{}", text(&refused));
    let migrated = run(&["migrate"]);
    assert!(
        migrated.status.success() && text(&migrated).contains("control plane: version 1"),
        "{}",
        text(&migrated)
    );
    let doctor = run(&["doctor"]);
    assert!(
        doctor.status.success() && text(&doctor).contains("ok      isolation"),
        "{}",
        text(&doctor)
    );
    let attested = run(&["attest"]);
    assert!(attested.status.success(), "{}", text(&attested));
    let backup = run(&["backup", "copy"]);
    assert!(backup.status.success(), "{}", text(&backup));
    for file in ["churn.db", "platform.db"] {
        assert!(folder.path().join("copy").join(file).metadata().unwrap().len() > 0);
    }
    assert_eq!(
        run(&["backup", "copy"]).status.code(),
        Some(1),
        "a backup is not overwritten"
    );
    assert_eq!(run(&["retrain", "nobody"]).status.code(), Some(1));
}

/// A second process on the same files must end with an error. The exception is the command `retrain`, which only adds a
/// job.
#[tokio::test]
async fn one_process_at_a_time_uses_the_files() {
    let site = Site::new().await;
    let folder = Folder::new();
    let data = site.app.settings.data_dir.clone();
    site.app.close().await;
    let with_data = |arguments: &[&str]| {
        let mut command = platform(&folder, arguments);
        command.env("PLATFORM_DATA_DIR", &data).env("PLATFORM_WORKER", "false");
        command
    };
    let mut serving = with_data(&["serve"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // The server prints this line when it starts to listen.
    let mut line = String::new();
    let output = serving.stdout.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut line).unwrap();
    assert!(line.starts_with("Churn platform: http://127.0.0.1:"), "{line}");
    let second = with_data(&["seed"]).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(text(&second).contains("another process"), "{}", text(&second));
    let retrain = with_data(&["retrain", "t002"]).output().unwrap();
    assert!(retrain.status.success(), "{}", text(&retrain));
    let control = ControlPlane::open(&data.join("platform.db")).await.unwrap();
    assert_eq!(control.jobs_of("t002", 1).await.unwrap()[0].kind, "train");
    // SIGTERM must end the server without an error.
    let id = serving.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert!(serving.wait().unwrap().success());
}
