//! The two cookies. One contains the secret of a session, and the other the secret of a login form.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::config::Settings;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cookie {
    Session,
    Login,
}

impl Cookie {
    /// Returns the name of the cookie. With https, the name has the prefix `__Host-`. A browser accepts a cookie with
    /// this prefix only if this host sets the cookie over https. In demo mode over http, the name has no prefix,
    /// because browsers refuse `__Host-` cookies over http.
    pub fn name(self, settings: &Settings) -> &'static str {
        match (self, settings.https) {
            (Self::Session, true) => "__Host-churn_session",
            (Self::Session, false) => "churn_session",
            (Self::Login, true) => "__Host-churn_login",
            (Self::Login, false) => "churn_login",
        }
    }

    /// Reads the cookie's value from the headers of a request.
    pub fn read(self, headers: &HeaderMap, settings: &Settings) -> Option<String> {
        let name = self.name(settings);
        let all = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|header| header.to_str().ok());
        let mut pairs = all
            .flat_map(|header| header.split(';'))
            .filter_map(|pair| pair.trim().split_once('='));
        let (_, value) = pairs.find(|(key, _)| *key == name)?;
        let well_formed = value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
        well_formed.then(|| value.to_owned())
    }

    /// Returns the `Set-Cookie` header that sets the cookie to a value. With `None`, the header deletes the cookie.
    pub fn set(self, value: Option<&str>, settings: &Settings) -> HeaderValue {
        let secure = if settings.https { "; Secure" } else { "" };
        let end = if value.is_some() { "" } else { "; Max-Age=0" };
        let (name, value) = (self.name(settings), value.unwrap_or(""));
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{end}");
        // The conversion cannot fail, because cookie names and values contain only letters, digits, `_` and `-`.
        HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}
