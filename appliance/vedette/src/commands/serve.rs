//! `vedette serve`.

use tokio::signal::unix::{SignalKind, signal};

use crate::cli::ServeArguments;
use crate::clock::Clock;
use crate::exit::Outcome;
use crate::runtime::{Appliance, Inherited, Notifier, Start};
use crate::state::Home;

pub(crate) fn run(arguments: &ServeArguments) -> Outcome {
    let Home { settings, state } = Home::open(&arguments.configured)?;
    let appliance = Appliance::start(Start {
        settings,
        state,
        clock: Clock::wall(),
        inherited: Inherited::take()?,
        one_time_login: None,
        triage: !arguments.no_triage,
    })?;
    for (transport, address) in appliance.addresses() {
        tracing::info!(transport = transport.as_str(), %address, "listening for syslog");
    }
    if let Some(address) = appliance.console() {
        tracing::info!("console at https://{address}");
    }
    if let Some(code) = appliance.claim_code() {
        tracing::warn!("nobody has an account yet: the claim code is {code}");
    }
    wait_for_the_end()?;
    appliance.stop()?;
    Ok(())
}

/// Says that we are ready, beats for the watchdog, and returns at SIGTERM or SIGINT.
fn wait_for_the_end() -> Outcome {
    let notifier = Notifier::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        notifier.ready();
        let beat = notifier.beat;
        let heart = async {
            match beat {
                None => std::future::pending().await,
                Some(beat) => loop {
                    notifier.alive();
                    tokio::time::sleep(beat).await;
                },
            }
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = heart => {}
        }
        std::io::Result::Ok(())
    })?;
    tracing::info!("stopping");
    notifier.stopping();
    Ok(())
}
