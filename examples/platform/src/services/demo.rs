//! Demo mode: three synthetic companies, and accounts with each of the roles.

use churn_store::{Role, User};
use serde_json::json;

use crate::app::App;
use crate::clock;
use crate::error::Result;
use crate::repositories::accounts::{Account, CompanyName};
use crate::repositories::jobs::NewJob;

/// The demo companies, as pairs of id and name. The ids are the tenant ids that `churn_core::synthetic` generates.
pub const COMPANIES: [(&str, &str); 3] = [
    ("t001", "Northwind Software"),
    ("t002", "Harbor Analytics"),
    ("t003", "Juniper Desk"),
];

/// The demo accounts, each with its e-mail address, its name, and its role in each of the companies.
pub const ACCOUNTS: [(&str, &str, [Option<Role>; 3]); 5] = [
    (
        "owner@demo.example",
        "Olga Owner",
        [Some(Role::Owner), Some(Role::Owner), Some(Role::Owner)],
    ),
    (
        "admin@demo.example",
        "Adam Admin",
        [Some(Role::Admin), Some(Role::Admin), Some(Role::Admin)],
    ),
    ("analyst@demo.example", "Ana Analyst", [Some(Role::Analyst), None, None]),
    (
        "viewer@demo.example",
        "Vic Viewer",
        [Some(Role::Viewer), Some(Role::Viewer), None],
    ),
    ("harbor@demo.example", "Hana Harbor", [None, Some(Role::Owner), None]),
];

/// Creates the demo companies, the demo accounts, and the jobs that fill the companies. Does nothing and returns
/// `false` if there are accounts already.
pub async fn begin(app: &App) -> Result<bool> {
    if app.control.has_accounts().await? {
        return Ok(false);
    }
    let now = app.clock.now();
    for (company_id, name) in COMPANIES {
        let company = CompanyName {
            company_id: company_id.to_owned(),
            name: name.to_owned(),
        };
        app.control.add_company(&company, now.as_micros()).await?;
        app.store.tenant(company_id).company().rename(name).await?;
    }
    // The histories of the companies end on the most recent Monday (today, if today is a Monday), at 00:00 UTC.
    let days = now.as_micros().div_euclid(86_400_000_000);
    let monday = (days - (days + 3).rem_euclid(7)) * 86_400_000_000;
    for (index, (company_id, _)) in COMPANIES.iter().enumerate() {
        let job = NewJob {
            company_id,
            kind: "seed",
            unique_key: "seed",
            payload: json!({"index": index, "customers": app.settings.demo_customers, "until": monday}).to_string(),
            created_by: "demo",
        };
        app.control.enqueue(&job, now.as_micros() + index as i64).await?;
    }
    // All demo accounts have the same password, so they also use the same hash.
    let password_hash = app.passwords.hash(&app.settings.demo_password).await?;
    for (email, name, roles) in ACCOUNTS {
        let account = Account {
            account_id: clock::random_hex::<16>()?,
            email: email.to_owned(),
            name: name.to_owned(),
            password_hash: password_hash.clone(),
        };
        for ((company_id, _), role) in COMPANIES.iter().zip(roles) {
            if let Some(role) = role {
                let user = User {
                    user_id: account.account_id.clone(),
                    email: email.to_owned(),
                    name: Some(name.to_owned()),
                    role,
                };
                app.store.tenant(company_id).users().upsert(&user).await?;
            }
        }
        app.control.add_account(&account, now.as_micros()).await?;
        for ((company_id, _), _) in COMPANIES.iter().zip(roles).filter(|(_, role)| role.is_some()) {
            app.control.add_member(&account.account_id, company_id).await?;
        }
    }
    Ok(true)
}
