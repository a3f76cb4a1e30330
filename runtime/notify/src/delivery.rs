//! One receiver, and how often it is tried.

use reqwest::Client;
use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use std::time::Duration;
use url::Url;

/// How long and how often a receiver is tried.
#[derive(Debug, Clone, Copy)]
pub struct Retries {
    /// How long one try may take.
    pub timeout: Duration,
    /// Tries after the first one.
    pub more: u32,
    /// The pause before the second try; it doubles with each one.
    pub pause: Duration,
}

/// fluxcd/pkg, `NewRecorder`, and the defaults of hashicorp/go-retryablehttp.
impl Default for Retries {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(5),
            more: 4,
            pause: Duration::from_secs(1),
        }
    }
}

/// Sends bodies to a receiver, one after the other.
pub(crate) struct Delivery {
    client: Client,
    url: Url,
    retries: Retries,
    /// The last event could not be delivered. The next one is tried once only: a receiver that is away for long must
    /// not hold up all others.
    away: bool,
}

enum Answer {
    Taken,
    /// Trying again is of no use.
    Refused(String),
    NotNow(String),
}

impl Delivery {
    pub(crate) fn new(client: Client, url: Url, retries: Retries) -> Self {
        Self {
            client,
            url,
            retries,
            away: false,
        }
    }

    /// Sends `body`; the error is the text of why it was given up.
    pub(crate) async fn send(&mut self, body: &str) -> Result<(), String> {
        let mut left = if self.away { 0 } else { self.retries.more };
        let mut pause = self.retries.pause;
        loop {
            match self.post(body).await {
                Answer::Taken => {
                    self.away = false;
                    return Ok(());
                }
                Answer::Refused(reason) => {
                    self.away = false;
                    return Err(reason);
                }
                Answer::NotNow(reason) if left == 0 => {
                    self.away = true;
                    return Err(reason);
                }
                Answer::NotNow(_) => {}
            }
            left -= 1;
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }

    async fn post(&self, body: &str) -> Answer {
        let request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(body.to_owned());
        let status = match request.send().await {
            Ok(response) => response.status(),
            // The address may hold a token.
            Err(error) if error.is_builder() || error.is_redirect() => {
                return Answer::Refused(innermost(&error.without_url()));
            }
            Err(error) => return Answer::NotNow(innermost(&error.without_url())),
        };
        let reason = || format!("the receiver answered {status}");
        match status {
            // notification-controller: it has had this event already.
            StatusCode::TOO_MANY_REQUESTS => Answer::Taken,
            StatusCode::NOT_IMPLEMENTED => Answer::Refused(reason()),
            status if status.is_server_error() => Answer::NotNow(reason()),
            status if status.is_client_error() => Answer::Refused(reason()),
            _ => Answer::Taken,
        }
    }
}

/// The cause at the bottom says most: `Connection refused (os error 111)`.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
