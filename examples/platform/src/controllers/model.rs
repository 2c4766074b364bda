//! Handlers that show the models of a company and choose the champion (the model in use).

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use churn_store::{AuditEntry, Stage};

use crate::app::App;
use crate::controllers::{page, see};
use crate::error::{Problem, Result};
use crate::middleware::guard::Visitor;
use crate::services::access::Operation;
use crate::views::format::{encode, moment, short};
use crate::views::model_card::ModelCard;
use crate::views::{Layout, ModelLine, ModelPage, Stamp};

pub async fn champion(State(app): State<App>, Extension(visitor): Extension<Visitor>) -> Result<Response> {
    show(&app, &visitor, None).await
}

pub async fn card(
    State(app): State<App>,
    Extension(visitor): Extension<Visitor>,
    Path((_, model)): Path<(String, String)>,
) -> Result<Response> {
    show(&app, &visitor, Some(&model)).await
}

/// Renders the page of the model with the given id. Without an id, renders the page of the champion (the model in use).
async fn show(app: &App, visitor: &Visitor, id: Option<&str>) -> Result<Response> {
    let company = &visitor.member()?.company.company_id;
    let tenant = app.store.tenant(company);
    let models = tenant.models().list().await?;
    let chosen = match id {
        Some(id) => Some(
            models
                .iter()
                .find(|model| model.id == id)
                .ok_or_else(Problem::not_found)?,
        ),
        None => models.iter().find(|model| model.stage == Stage::Champion),
    };
    page(&ModelPage {
        layout: Layout::new(app, visitor, "Model", "models"),
        stamp: Stamp::of(&tenant).await?,
        may_train: visitor.may(Operation::Train),
        card: chosen.map(ModelCard::new).transpose()?,
        models: models
            .iter()
            .map(|model| ModelLine {
                short: short(&model.id),
                href: format!("/c/{}/models/{}", encode(company), encode(&model.id)),
                stage: model.stage.as_str(),
                saved_at: moment(model.saved_at),
                is_champion: model.stage == Stage::Champion,
            })
            .collect(),
    })
}

pub async fn promote(
    State(app): State<App>,
    Extension(visitor): Extension<Visitor>,
    Path((_, model)): Path<(String, String)>,
) -> Result<Response> {
    let company = &visitor.member()?.company.company_id;
    let account = &visitor.account()?.account.account_id;
    let tenant = app.store.tenant(company);
    if tenant.models().get(&model).await?.is_none() {
        return Err(Problem::not_found());
    }
    let mut entry = AuditEntry::new(app.clock.now(), account.as_str(), "model.promoted");
    entry.subject = Some(model.clone());
    let tx = tenant.begin().await?;
    tx.models().promote(&model, Stage::Champion).await?;
    tx.audit().append(&entry).await?;
    tx.commit().await?;
    Ok(see(&format!("/c/{}/models", encode(company))))
}
