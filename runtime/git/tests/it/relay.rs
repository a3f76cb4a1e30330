//! A server in front of a server, for what the latter cannot do.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

/// A front without encryption that keeps one header back; gives its address.
pub(crate) fn plain_front(backend: String, without: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (mut stream, backend) = (stream, backend.clone());
            std::thread::spawn(move || relay(&mut stream, &backend, Some(without)));
        }
    });
    format!("http://{address}")
}

/// Passes one request on, without the header `without`, and the answer back.
pub(crate) fn relay(
    stream: &mut (impl Read + Write),
    backend: &str,
    without: Option<&str>,
) -> std::io::Result<()> {
    let Some(request) = whole_request(stream)? else {
        return Ok(());
    };
    pass_on(stream, backend, request, without)
}

/// Passes one request on as it is, and refuses it with 401 where it has the header `refused`.
pub(crate) fn relay_unless(
    stream: &mut (impl Read + Write),
    backend: &str,
    refused: &str,
) -> std::io::Result<()> {
    let Some(request) = whole_request(stream)? else {
        return Ok(());
    };
    let text = String::from_utf8_lossy(&request).to_lowercase();
    if text.contains(&format!("\r\n{refused}: ")) {
        let answer = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        stream.write_all(answer.as_bytes())?;
        return stream.flush();
    }
    pass_on(stream, backend, request, None)
}

/// One request with its body; `None` when the stream ends before it does.
pub(crate) fn whole_request(stream: &mut impl Read) -> std::io::Result<Option<Vec<u8>>> {
    let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
    let whole = |request: &[u8]| {
        let text = String::from_utf8_lossy(request).to_lowercase();
        let Some(head) = text.find("\r\n\r\n") else {
            return false;
        };
        let length = text[..head]
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length
            .and_then(|length| length.trim().parse().ok())
            .unwrap_or(0);
        request.len() >= head + 4 + length
    };
    while !whole(&request) {
        match stream.read(&mut buffer)? {
            0 => return Ok(None),
            count => request.extend_from_slice(&buffer[..count]),
        }
    }
    Ok(Some(request))
}

fn pass_on(
    stream: &mut impl Write,
    backend: &str,
    mut request: Vec<u8>,
    without: Option<&str>,
) -> std::io::Result<()> {
    let head = request
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap();
    let mut lines = vec![];
    for line in String::from_utf8_lossy(&request[..head]).split("\r\n") {
        let name = line.split(':').next().unwrap_or_default();
        if !without.is_some_and(|without| name.eq_ignore_ascii_case(without)) {
            lines.push(line.to_owned());
        }
    }
    let kept = format!("{}\r\nConnection: close", lines.join("\r\n"));
    request.splice(..head, kept.into_bytes());
    let mut upstream = TcpStream::connect(backend)?;
    upstream.write_all(&request)?;
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer)?;
    stream.write_all(&answer)?;
    stream.flush()
}
