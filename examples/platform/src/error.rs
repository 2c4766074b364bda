//! The error type of the platform. `middleware::error_handler` renders an error as a page or as
//! `application/problem+json`.

use churn_core::RecordKind;

pub type Result<T, E = Problem> = std::result::Result<T, E>;

/// An error of the platform. It has an HTTP status, a stable error code, and a message.
#[derive(Clone, Debug)]
pub struct Problem {
    pub status: u16,
    pub code: &'static str,
    /// The message. It is shown to the user if the status is below 500. Otherwise, it is only logged.
    pub detail: String,
    pub table: Option<&'static str>,
    pub row: Option<u64>,
    pub column: Option<String>,
    /// Whether the same call may succeed later. A job that failed with such an error is tried again.
    pub retryable: bool,
    /// The number of seconds after which the client may repeat the request.
    pub retry_after: Option<u64>,
}

impl Problem {
    pub fn new(status: u16, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            table: None,
            row: None,
            column: None,
            retryable: false,
            retry_after: None,
        }
    }

    /// Creates the error for an object that does not exist or that the account is not allowed to see. The two cases
    /// look the same to the client.
    pub fn not_found() -> Self {
        Self::new(
            404,
            "not_found",
            "There is nothing at this address, or you may not see it.",
        )
    }

    pub fn forbidden() -> Self {
        Self::new(403, "forbidden", "Your role does not allow this.")
    }

    pub fn unauthenticated() -> Self {
        Self::new(401, "unauthenticated", "Log in first.")
    }

    pub fn internal(detail: impl Into<String>) -> Self {
        Self::new(500, "internal", detail)
    }

    /// Returns the message for the user. The messages of server errors may name hosts and files, so they appear only in
    /// the log, and the user sees a general message.
    pub fn public_detail(&self) -> &str {
        match self.status {
            503 => "The database is busy or cannot be reached at the moment.",
            507 => "The database is full.",
            500.. => "The platform failed. The log names the cause under the id of this request.",
            _ => &self.detail,
        }
    }

    pub fn title(&self) -> &'static str {
        match self.status {
            400 => "Malformed request",
            401 => "Not logged in",
            403 => "Not allowed",
            404 => "Not found",
            405 => "Method not allowed",
            409 => "Not possible now",
            413 => "Too large",
            415 => "Unsupported type",
            422 => "Invalid input",
            429 => "Too many requests",
            503 => "Not available",
            507 => "Full",
            500.. => "Error",
            _ => "Refused",
        }
    }

    /// Returns a text that says what the user can do about this error.
    pub fn advice(&self) -> &'static str {
        advice(self.code)
    }
}

/// Returns a text that says what the user can do about an error with this code.
pub fn advice(code: &str) -> &'static str {
    match code {
        "too_little_data" => "Import a longer history or more customers, then train again.",
        "single_class" => {
            "In the history, no customer churned, or all did. Import a longer history, or change the definition."
        }
        "immature_label" => "The label period has not ended yet. Use an earlier date or a shorter horizon.",
        "nothing_after_purge" => "The history is too short for this horizon. Import a longer history.",
        "leakage" => "A column leaks the target. Remove it, or allow it if its values are known at prediction time.",
        "feature_mismatch" => "The records lack columns of the model. Import them, or train a new model.",
        "no_eligible_customers" => "No customer is active at this date. Import newer records, or choose another date.",
        "no_model" => "Train a model first.",
        "no_data" => "Import records first.",
        "store_busy" | "store_unavailable" => "Try again in a moment.",
        "store_full" => "The operator must free or add disk space.",
        "wrong_credentials" => "Check the e-mail address and the password.",
        "too_many_requests" => "Wait before the next attempt.",
        "forged_request" => "Open the page again and repeat the action there.",
        "unauthenticated" => "Log in.",
        "forbidden" => "An admin or owner of the company can do this, or can change your role.",
        "not_found" => "Check the address.",
        "cancelled" => "Start it again when you need it.",
        _ => "If it happens again, give the operator the request id.",
    }
}

fn status_of(code: &str) -> u16 {
    match code {
        "not_found" | "customer_not_found" => 404,
        "store_busy" | "store_unavailable" => 503,
        "store_full" => 507,
        "store_newer" | "store_not_migrated" | "store_damaged" | "store_refused" | "tenant_mismatch"
        | "not_isolated" | "artifact_damaged" | "artifact_version" | "internal" | "io" => 500,
        "cancelled" => 409,
        _ => 422,
    }
}

fn table(kind: Option<RecordKind>) -> Option<&'static str> {
    kind.map(RecordKind::as_str)
}

impl From<churn_store::Error> for Problem {
    fn from(error: churn_store::Error) -> Self {
        let code = error.code();
        Self {
            table: table(error.table()),
            row: error.row(),
            column: error.column().map(str::to_owned),
            retryable: error.retryable(),
            retry_after: error.retryable().then_some(2),
            ..Self::new(status_of(code), code, error.to_string())
        }
    }
}

impl From<churn_core::Error> for Problem {
    fn from(error: churn_core::Error) -> Self {
        let code = error.code();
        Self {
            table: table(error.table()),
            row: error.row(),
            column: error.column().map(str::to_owned),
            ..Self::new(status_of(code), code, error.to_string())
        }
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        let busy = match &error {
            // The lowest byte of a SQLite code is the primary result code. 5 is SQLITE_BUSY and 6 is SQLITE_LOCKED.
            sqlx::Error::Database(error) => {
                let code = error.code().and_then(|code| code.parse::<u32>().ok());
                matches!(code.map(|code| code & 0xff), Some(5 | 6))
            }
            sqlx::Error::PoolTimedOut => true,
            _ => false,
        };
        match busy {
            true => Self {
                retryable: true,
                retry_after: Some(2),
                ..Self::new(503, "store_busy", error.to_string())
            },
            false => Self::internal(format!("control plane: {error}")),
        }
    }
}

impl From<std::io::Error> for Problem {
    fn from(error: std::io::Error) -> Self {
        Self::internal(error.to_string())
    }
}

impl From<askama::Error> for Problem {
    fn from(error: askama::Error) -> Self {
        Self::internal(format!("template: {error}"))
    }
}

impl From<serde_json::Error> for Problem {
    fn from(error: serde_json::Error) -> Self {
        Self::internal(format!("JSON: {error}"))
    }
}

impl From<tokio::task::JoinError> for Problem {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::internal(format!("a task ended: {error}"))
    }
}
