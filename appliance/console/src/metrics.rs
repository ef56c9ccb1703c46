use std::net::SocketAddr;

use axum::Router;
use axum::http::header;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use vedette_telemetry::Registry;

use crate::ConsoleError;

/// Binds the address of the metrics and answers there with the Prometheus page until `shutdown`.
///
/// # Errors
/// When the address is none of this machine alone or cannot be had.
pub async fn serve_metrics(
    address: SocketAddr,
    registry: Registry,
    shutdown: CancellationToken,
) -> Result<SocketAddr, ConsoleError> {
    if !address.ip().is_loopback() {
        return Err(ConsoleError::OpenMetrics(address));
    }
    let failed = |source| ConsoleError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    let page = move || async move {
        ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], registry.to_prometheus())
    };
    let router = Router::new().route("/metrics", get(page));
    tokio::spawn(async move {
        let served =
            axum::serve(listener, router).with_graceful_shutdown(shutdown.cancelled_owned()).await;
        if let Err(error) = served {
            tracing::error!(%error, "the metrics page has stopped");
        }
    });
    Ok(bound)
}
