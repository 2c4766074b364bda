//! Queries for accounts, companies, and memberships of accounts in companies.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::error::Result;
use crate::repositories::ControlPlane;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub account_id: String,
    pub email: String,
    pub name: String,
    pub password_hash: String,
}

/// The id and the name of a company. The control plane (the database of accounts and jobs) stores nothing else about a
/// company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompanyName {
    pub company_id: String,
    pub name: String,
}

fn account(row: SqliteRow) -> Result<Account> {
    Ok(Account {
        account_id: row.try_get(0)?,
        email: row.try_get(1)?,
        name: row.try_get(2)?,
        password_hash: row.try_get(3)?,
    })
}

fn company(row: SqliteRow) -> Result<CompanyName> {
    Ok(CompanyName {
        company_id: row.try_get(0)?,
        name: row.try_get(1)?,
    })
}

impl ControlPlane {
    pub async fn has_accounts(&self) -> Result<bool> {
        let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM accounts")
            .fetch_one(&self.pool)
            .await?;
        Ok(count > 0)
    }

    pub async fn account_by_email(&self, email: &str) -> Result<Option<Account>> {
        let row = sqlx::query("SELECT account_id, email, name, password_hash FROM accounts WHERE email = $1")
            .bind(email.to_lowercase())
            .fetch_optional(&self.pool)
            .await?;
        row.map(account).transpose()
    }

    pub async fn account(&self, account_id: &str) -> Result<Option<Account>> {
        let row = sqlx::query("SELECT account_id, email, name, password_hash FROM accounts WHERE account_id = $1")
            .bind(account_id)
            .fetch_optional(&self.pool)
            .await?;
        row.map(account).transpose()
    }

    /// Adds an account. Does nothing if another account has the same e-mail address.
    pub async fn add_account(&self, account: &Account, at: i64) -> Result<()> {
        const ADD: &str = "
            INSERT INTO accounts (account_id, email, name, password_hash, created_at)
            VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (email) DO NOTHING";
        sqlx::query(ADD)
            .bind(&account.account_id)
            .bind(account.email.to_lowercase())
            .bind(&account.name)
            .bind(&account.password_hash)
            .bind(at)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    pub async fn add_company(&self, company: &CompanyName, at: i64) -> Result<()> {
        const ADD: &str = "
            INSERT INTO companies (company_id, name, created_at)
            VALUES ($1, $2, $3)
            ON CONFLICT (company_id) DO UPDATE
            SET name = excluded.name";
        sqlx::query(ADD)
            .bind(&company.company_id)
            .bind(&company.name)
            .bind(at)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    pub async fn add_member(&self, account_id: &str, company_id: &str) -> Result<()> {
        sqlx::query("INSERT INTO memberships (account_id, company_id) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(account_id)
            .bind(company_id)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Returns the companies that an account is a member of, sorted by name.
    pub async fn companies_of(&self, account_id: &str) -> Result<Vec<CompanyName>> {
        const OF_ACCOUNT: &str = "
            SELECT c.company_id, c.name
            FROM memberships AS m
            JOIN companies AS c ON c.company_id = m.company_id
            WHERE m.account_id = $1
            ORDER BY c.name, c.company_id";
        let rows = sqlx::query(OF_ACCOUNT).bind(account_id).fetch_all(&self.pool).await?;
        rows.into_iter().map(company).collect()
    }

    /// Returns all companies, sorted by id. Only commands of the operator use this method.
    pub async fn companies(&self) -> Result<Vec<CompanyName>> {
        let rows = sqlx::query("SELECT company_id, name FROM companies ORDER BY company_id")
            .fetch_all(&self.pool)
            .await?;
        rows.into_iter().map(company).collect()
    }
}
