//! The model without its tuning: what the tuning has to beat.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context as _, Result, anyhow, ensure};
use vedette_event::{ModelSay, Question};

use crate::model::bundle::Bundle;
use crate::model::worker::WorkerSettings;

/// Has a worker of its own answer by label scores, each line alone; in the order of the questions.
pub(super) fn ask(
    settings: &WorkerSettings,
    bundle: &Bundle,
    questions: &[Question],
) -> Result<Vec<ModelSay>> {
    let program = settings.program.as_ref();
    let program = program.ok_or_else(|| anyhow!("vedette-worker is not beside this program"))?;
    let mut child = Command::new(program)
        .args(["classify", "--untuned", "--threads", &settings.threads.to_string()])
        .args(["--sha256", &bundle.manifest.model.sha256])
        .arg(bundle.model())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {}", program.display()))?;
    let mut stdin = child.stdin.take().expect("the input is piped");
    // The answers are more than a pipe holds, so somebody has to read while the questions are written.
    let output = thread::scope(|scope| {
        scope.spawn(move || {
            questions.iter().try_for_each(|question| {
                writeln!(stdin, "{}", serde_json::json!({"id": 0, "raw": question.text}))
            })
        });
        child.wait_with_output()
    })?;
    ensure!(output.status.success(), "the untuned model could not be asked");
    let read = |(line, question): (&str, &Question)| -> Result<ModelSay> {
        let say: ModelSay = serde_json::from_str(line)?;
        Ok(ModelSay { id: question.id, ..say })
    };
    let text = String::from_utf8(output.stdout)?;
    let says: Vec<ModelSay> = text.lines().zip(questions).map(read).collect::<Result<_>>()?;
    ensure!(says.len() == questions.len(), "the untuned model left questions unanswered");
    Ok(says)
}
