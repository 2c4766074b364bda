//! The page that shows how many rows a company has, and how recent they are.

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use churn_core::RecordKind;

use crate::app::App;
use crate::controllers::page;
use crate::error::Result;
use crate::middleware::guard::Visitor;
use crate::services::company;
use crate::views::format::moment;
use crate::views::{DataPage, Layout, Stamp, TableLine};

pub async fn counts(State(app): State<App>, Extension(visitor): Extension<Visitor>) -> Result<Response> {
    let tenant = app.store.tenant(&visitor.member()?.company.company_id);
    let settings = tenant.company().get().await?;
    let mut tables = vec![];
    for kind in RecordKind::ALL {
        tables.push(TableLine {
            name: kind.as_str(),
            rows: tenant.table(kind).count().await?,
        });
    }
    let cursor = tenant.cursors().get("synthetic records").await?;
    let shown = |date: Option<churn_core::Timestamp>| date.map(moment).unwrap_or_default();
    page(&DataPage {
        layout: Layout::new(&app, &visitor, "Data", "data"),
        stamp: Stamp::of(&tenant).await?,
        customers: tenant.customers().count_customers().await?,
        is_empty: tables.iter().all(|table| table.rows == 0),
        tables,
        observed_from: shown(company::date(&settings, company::OBSERVED_FROM)),
        observed_until: shown(company::date(&settings, company::OBSERVED_UNTIL)),
        imported_at: shown(cursor.map(|cursor| cursor.moved_at)),
        revision: tenant.revision().await?,
    })
}
