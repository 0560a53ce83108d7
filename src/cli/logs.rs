//! Our own log lines: written to standard error, each cleaned of secrets before it is.

use std::io::{self, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::Failure;
use crate::config::{LogFormat, Settings};
use crate::domain::outbound;
use crate::error::ToolError;

/// Sends logs to standard error; standard output belongs to the protocol and to results.
pub(super) fn start(settings: &Settings) -> Result<(), Failure> {
    let level = settings.log.level.as_deref().unwrap_or("warn");
    // The Kubernetes client logs what we report ourselves, and whole bodies that it cannot parse.
    let filter = EnvFilter::try_new(format!("{level},kube_client=off,{}", crate::aws::QUIET))
        .map_err(|err| Failure::Usage(ToolError::invalid(format!("`log.level`: `{level}` is no filter: {err}"))))?;
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(Redacting(io::stderr));
    // A second subscriber in one process, as in tests, changes nothing.
    let _ = match settings.log.format {
        Some(LogFormat::Json) => logs.json().try_init(),
        _ => logs.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).try_init(),
    };
    Ok(())
}

/// Makes writers that mask secrets.
struct Redacting<M>(M);

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for Redacting<M> {
    type Writer = Lines<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Lines { line: Vec::new(), output: self.0.make_writer() }
    }
}

/// Gathers one event, which may come in pieces, and writes it as a whole.
struct Lines<W: Write> {
    line: Vec<u8>,
    output: W,
}

impl<W: Write> Write for Lines<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.line.is_empty() {
            return Ok(());
        }
        let line = String::from_utf8_lossy(&self.line);
        let safe = outbound::line(&line);
        // Colours stand between keys and values and would hide one from the other: only a line without secrets keeps them.
        let plain = crate::domain::text::clean(&line);
        self.output.write_all(if safe == plain { line.as_bytes() } else { safe.as_bytes() })?;
        self.line.clear();
        self.output.flush()
    }
}

impl<W: Write> Drop for Lines<W> {
    fn drop(&mut self) {
        // There is nowhere to report that a log cannot be written.
        let _ = self.flush();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(make: impl FnOnce(Sink) -> Box<dyn tracing::Subscriber + Send + Sync>) -> String {
        let sink = Sink::default();
        tracing::subscriber::with_default(make(sink.clone()), || {
            let _span = tracing::info_span!("tool", token = "hunter2-in-span").entered();
            tracing::info!(error = "postgres://app:hunter2@db/x", password = "hunter2", "login with password=hunter2 failed");
            tracing::info!(pods = 3, "ordinary");
        });
        String::from_utf8(sink.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn secrets_never_reach_a_log_in_any_format() {
        let text = logged(|sink| {
            Box::new(tracing_subscriber::fmt().with_writer(Redacting(move || sink.clone())).with_ansi(false).finish())
        });
        let colours = logged(|sink| {
            Box::new(tracing_subscriber::fmt().with_writer(Redacting(move || sink.clone())).with_ansi(true).finish())
        });
        let json =
            logged(|sink| Box::new(tracing_subscriber::fmt().json().with_writer(Redacting(move || sink.clone())).finish()));
        for log in [&text, &colours, &json] {
            assert!(
                !log.contains("hunter2") && log.contains("postgres://app:[redacted]@db/x") && log.contains("ordinary"),
                "{log}"
            );
            assert_eq!(log.lines().count(), 2, "{log}");
        }
        for line in json.lines() {
            assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
        }
    }
}
