//! The first request: whether there is an API server at all, and whether it knows us.

use crate::Cluster;
use crate::message_of;
use std::time::Duration;
use std::time::Instant;

/// How long one try may take.
const TRY: Duration = Duration::from_secs(5);
/// The delays between tries double from the first to the longest.
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(4);

/// Why nothing can be done with a cluster. The server's own words are in the message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReachError {
    #[error("the API server {server} can't be reached: {problem}")]
    Unreachable { server: String, problem: String },
    #[error("the API server {server} does not accept the credentials: {problem}")]
    Credentials { server: String, problem: String },
    /// It answers, with a failure of its own or with what no API server says.
    #[error("the API server {server} does not work: {problem}")]
    Failing { server: String, problem: String },
}

impl Cluster {
    /// Waits until the API server answers, `within` this time, and tells of each try that failed.
    ///
    /// Flux's controllers ask for what is served when they start, and end at the first failure (controller-runtime,
    /// `pkg/manager`, `New`); a server that is just being started again shall end nobody.
    ///
    /// # Errors
    /// The last failure, when that time is over.
    pub async fn reach(&self, within: Duration) -> Result<(), ReachError> {
        let started = Instant::now();
        let mut delay = FIRST;
        loop {
            let left = within.saturating_sub(started.elapsed());
            let limit = left.min(TRY);
            let failure = match tokio::time::timeout(limit, self.ask()).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(failure)) => failure,
                Err(_) => ReachError::Unreachable {
                    server: self.server().to_owned(),
                    problem: format!(
                        "no answer within {:.1} seconds, unless to try again later",
                        limit.as_secs_f64()
                    ),
                },
            };
            if started.elapsed() + delay >= within {
                return Err(failure);
            }
            tracing::warn!(error = %failure, "failed to begin, trying again");
            tokio::time::sleep(delay).await;
            delay = (delay * 2).min(LONGEST);
        }
    }

    /// Asks for the version, which everybody may see.
    async fn ask(&self) -> Result<(), ReachError> {
        let Err(error) = self.client().apiserver_version().await else {
            return Ok(());
        };
        let (server, problem) = (self.server().to_owned(), message_of(&error));
        Err(match error {
            kube::Error::Api(status) if status.code == 401 => {
                ReachError::Credentials { server, problem }
            }
            // Who hides its version is there all the same.
            kube::Error::Api(status) if status.code == 403 => return Ok(()),
            kube::Error::Api(status) => ReachError::Failing {
                server,
                problem: format!("{} {problem}", status.code),
            },
            kube::Error::SerdeError(_) => ReachError::Failing {
                server,
                problem: "what it answers to GET /version is no version of Kubernetes".to_owned(),
            },
            _ => {
                let problem = crate::cause_of(&error);
                ReachError::Unreachable { server, problem }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::Cluster;
    use crate::limits::Limits;
    use std::time::Duration;
    use tokio::io::AsyncReadExt as _;
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;

    /// Time for one try, and hardly for a second.
    const SHORT: Duration = Duration::from_millis(400);

    fn answer(head: &str, body: &str) -> String {
        format!(
            "HTTP/1.1 {head}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    fn refusal(code: u16, message: &str) -> String {
        let body = format!(
            r#"{{"kind":"Status","apiVersion":"v1","status":"Failure","message":"{message}","code":{code}}}"#
        );
        answer(&format!("{code} Refused"), &body)
    }

    fn version() -> String {
        let body = r#"{"major":"1","minor":"34","gitVersion":"v1.34.1","gitCommit":"","gitTreeState":"clean","buildDate":"","goVersion":"","compiler":"gc","platform":"linux/amd64"}"#;
        answer("200 OK", body)
    }

    /// A server that gives these answers, the last of them again and again.
    async fn server(answers: Vec<String>) -> (Cluster, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let mut answers = answers.into_iter().peekable();
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let answer = answers.next().unwrap();
                if answers.peek().is_none() {
                    answers = vec![answer.clone()].into_iter().peekable();
                }
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        (cluster(&address), address)
    }

    fn cluster(address: &str) -> Cluster {
        crate::install_crypto();
        let config = kube::Config::new(address.parse().unwrap());
        Cluster::with_limits(config, "test", Limits::default()).unwrap()
    }

    async fn failure(cluster: &Cluster) -> String {
        cluster.reach(SHORT).await.unwrap_err().to_string()
    }

    #[tokio::test]
    async fn who_is_not_there_is_named_with_the_cause() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        drop(listener);
        for (url, shown) in [
            (format!("http://{address}/"), format!("http://{address}")),
            (
                format!("https://{address}/k8s"),
                format!("https://{address}/k8s"),
            ),
        ] {
            assert_eq!(
                failure(&cluster(&url)).await,
                format!(
                    "the API server {shown} can't be reached: Connection refused (os error 111)"
                )
            );
        }
    }

    #[tokio::test]
    async fn a_server_without_tls_is_said_to_have_none() {
        let (_, address) = server(vec![answer("400 Bad Request", "")]).await;
        let address = address.replace("http://", "https://");
        assert_eq!(
            failure(&cluster(&address)).await,
            format!(
                "the API server {address} can't be reached: server gave HTTP response to HTTPS client"
            )
        );
    }

    #[tokio::test]
    async fn who_never_answers_is_not_waited_for() {
        let (listener, limit) = (
            TcpListener::bind("127.0.0.1:0").await.unwrap(),
            Duration::from_secs(20),
        );
        let address = format!("http://{}", listener.local_addr().unwrap());
        let cluster = cluster(&address);
        let failure = tokio::time::timeout(limit, failure(&cluster)).await;
        assert_eq!(
            failure.expect("an end"),
            format!(
                "the API server {address} can't be reached: no answer within 0.4 seconds, unless to try again later"
            )
        );
    }

    #[tokio::test]
    async fn credentials_that_are_not_accepted_are_no_missing_right() {
        let (cluster, address) = server(vec![refusal(401, "Unauthorized")]).await;
        assert_eq!(
            failure(&cluster).await,
            format!("the API server {address} does not accept the credentials: Unauthorized")
        );
    }

    #[tokio::test]
    async fn what_answers_otherwise_is_no_server_to_work_with() {
        for (answer, problem) in [
            (refusal(500, "starting"), "500 starting"),
            (
                answer("200 OK", "<html>"),
                "what it answers to GET /version is no version of Kubernetes",
            ),
        ] {
            let (cluster, address) = server(vec![answer]).await;
            assert_eq!(
                failure(&cluster).await,
                format!("the API server {address} does not work: {problem}")
            );
        }
    }

    #[tokio::test]
    async fn who_comes_up_meanwhile_is_waited_for() {
        let answers = vec![
            refusal(500, "starting"),
            refusal(401, "Unauthorized"),
            version(),
        ];
        let (cluster, _) = server(answers).await;
        cluster.reach(Duration::from_mins(1)).await.unwrap();
    }

    #[tokio::test]
    async fn who_hides_its_version_is_there() {
        let (cluster, _) = server(vec![refusal(403, "no")]).await;
        cluster.reach(SHORT).await.unwrap();
    }
}
