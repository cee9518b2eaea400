//! Programs that use the control API, each run as it is written: the commands of the README, and a script in Python.

use std::path::Path;
use std::process::Stdio;

use service_emulator::Emulator;
use tokio::process::Command;

const README: &str = include_str!("../../../../README.md");

/// Whether a program is installed. Without it, there is nothing to run.
async fn has(program: &str) -> bool {
    let mut command = Command::new(program);
    let status = command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().await;
    status.is_ok_and(|status| status.success())
}

async fn run(mut command: Command) -> String {
    let output = command.kill_on_drop(true).output().await.unwrap();
    let [out, error] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(output.status.success(), "{out}\n{error}");
    out
}

#[tokio::test]
async fn the_commands_of_the_readme_succeed() {
    if !has("curl").await || !has("sh").await {
        return;
    }
    let section = README.split("## Control API").nth(1).unwrap();
    let commands = section.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
    let emulator = Emulator::start().await.unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-e", "-c", commands]).env("EMULATOR", emulator.endpoint()).env("NO_PROXY", "*");
    let out = run(shell).await;
    assert!(out.contains(r#""status":"ok""#) && out.contains(r#""resubmitted":0"#), "{out}");
    assert_eq!(commands.matches("curl --fail").count(), commands.matches("curl ").count());
}

#[tokio::test]
async fn the_script_in_python_succeeds() {
    // A part of the workspace, not of the package.
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/interop/control.py");
    if !has("python3").await || !script.exists() {
        return;
    }
    let emulator = Emulator::builder().sample_data(true).start().await.unwrap();
    let mut python = Command::new("python3");
    python.arg(script).arg(emulator.endpoint()).env("NO_PROXY", "*");
    assert_eq!(run(python).await.lines().count(), 5);
}
