//! Finds the address of the client, which rate limits need.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use axum::http::request::Parts;

/// Returns the address of the client. If requests pass through `hops` trusted proxies, the address is the entry of
/// `X-Forwarded-For` that the first of these proxies appended. Entries further left are ignored, because the client may
/// have forged them.
pub fn client_address(parts: &Parts, hops: usize) -> String {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map_or("unknown".to_owned(), |ConnectInfo(peer)| peer.ip().to_string());
    if hops == 0 {
        return peer;
    }
    let headers = parts.headers.get_all("x-forwarded-for").iter();
    let entries: Vec<&str> = headers
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(','))
        .map(str::trim)
        .collect();
    match entries.len().checked_sub(hops).and_then(|at| entries.get(at)) {
        Some(entry) => (*entry).to_owned(),
        None => peer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_entries_of_trusted_proxies_count() {
        let mut request = axum::http::Request::builder()
            .header("x-forwarded-for", "1.1.1.1, 2.2.2.2")
            .header("x-forwarded-for", "3.3.3.3");
        let peer: SocketAddr = "9.9.9.9:1".parse().unwrap();
        request.extensions_mut().unwrap().insert(ConnectInfo(peer));
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let found: Vec<String> = (0..5).map(|hops| client_address(&parts, hops)).collect();
        assert_eq!(found, ["9.9.9.9", "3.3.3.3", "2.2.2.2", "1.1.1.1", "9.9.9.9"]);
    }
}
