//! A way to an API server that can be cut.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::Error;
use crate::account::rewritten;

/// Passes connections on to the API server. Ends when dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    is_down: watch::Sender<bool>,
    runtime: Option<Runtime>,
}

impl Proxy {
    /// Listens on a port of loopback, for the API server of a kubeconfig.
    pub fn start(kubeconfig: &Path) -> Result<Proxy, Error> {
        let server = server_of(kubeconfig)?;
        let what = || Error::io("the proxy");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("proxy")
            .enable_all()
            .build()
            .map_err(what())?;
        let listener = runtime
            .block_on(TcpListener::bind("127.0.0.1:0"))
            .map_err(what())?;
        let address = listener.local_addr().map_err(what())?;
        let (is_down, state) = watch::channel(false);
        runtime.spawn(accept(listener, server, state));
        Ok(Proxy {
            address,
            is_down,
            runtime: Some(runtime),
        })
    }

    /// Writes a kubeconfig into `folder` that goes this way, and is otherwise that one.
    pub fn kubeconfig(&self, kubeconfig: &Path, folder: &Path) -> Result<PathBuf, Error> {
        let server = format!("https://{}", self.address);
        rewritten(kubeconfig, &folder.join("proxied"), |config| {
            for cluster in config["clusters"].as_array_mut()? {
                cluster["cluster"]["server"] = Value::from(server.as_str());
            }
            Some(())
        })
    }

    /// While it is down, there are no connections, and new ones end at once.
    pub fn set_down(&self, is_down: bool) {
        self.is_down.send_replace(is_down);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // In the background: a runtime may not be awaited where a test's own runtime drops it.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Host and port of the API server.
fn server_of(kubeconfig: &Path) -> Result<String, Error> {
    let config = kube::config::Kubeconfig::read_from(kubeconfig)
        .map_err(|error| Error::Cluster(error.to_string()))?;
    let server = config
        .clusters
        .into_iter()
        .find_map(|it| it.cluster?.server);
    server
        .as_deref()
        .and_then(|server| server.strip_prefix("https://"))
        .map(|server| server.trim_end_matches('/').to_owned())
        .ok_or_else(|| Error::Cluster(format!("{}: no server", kubeconfig.display())))
}

async fn accept(listener: TcpListener, server: String, state: watch::Receiver<bool>) {
    while let Ok((near, _)) = listener.accept().await {
        let (server, mut state) = (server.clone(), state.clone());
        tokio::spawn(async move {
            tokio::select! {
                // Both ends are closed when this returns.
                _ = state.wait_for(|is_down| *is_down) => {}
                () = pass(near, &server) => {}
            }
        });
    }
}

async fn pass(mut near: TcpStream, server: &str) {
    if let Ok(mut far) = TcpStream::connect(server).await {
        let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
    }
}
