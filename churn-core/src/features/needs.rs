//! The columns that features look up by name, and their required types.

use crate::error::{Error, ErrorKind, RecordKind, Result};
use crate::features::plan::{Condition, Feature, Function, Measure};
use crate::features::resolved::FeatureKind;
use crate::features::view::{ColumnView, Holds};
use crate::record::TenantRecords;

/// A column that a feature needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Need<'a> {
    pub(crate) column: &'a str,
    /// The required type of the column; `None` if any type is accepted.
    holds: Option<Holds>,
}

impl Feature {
    /// Returns the columns that the feature needs. `kind` states whether the values of the feature are numbers or
    /// texts.
    pub(crate) fn needs(&self, kind: FeatureKind) -> Vec<Need<'_>> {
        let measure = match &self.measure {
            Measure::Attribute(column) => Some(Need {
                column,
                holds: match (kind, &self.function) {
                    (_, Function::Distinct) => None,
                    (FeatureKind::Text, _) => Some(Holds::Texts),
                    (FeatureKind::Number, _) => Some(Holds::Numbers),
                },
            }),
            _ => None,
        };
        let conditions = self.filter.iter().chain(self.function.conditions());
        let conditions = conditions.filter_map(|condition| need_of(condition, self.source));
        measure.into_iter().chain(conditions).collect()
    }

    /// Returns an error if a column does not have the required type. The error names the feature and the column. A
    /// missing column is not an error here, so the caller has to handle it.
    pub(crate) fn require_types(&self, kind: FeatureKind, records: &TenantRecords, error: ErrorKind) -> Result<()> {
        for Need { column, holds } in self.needs(kind) {
            let (Some(found), Some(holds)) = (ColumnView::find(records, self.source, column), holds) else {
                continue;
            };
            if ![holds, Holds::Nothing].contains(&found.holds()) {
                let wanted = match holds {
                    Holds::Texts => "texts",
                    _ => "numbers",
                };
                let message = format!(
                    "feature '{}' needs column '{}' of {} to hold {wanted}",
                    crate::error::excerpt(&self.name),
                    crate::error::excerpt(column),
                    self.source
                );
                return Err(Error::new(error, message).at(Some(self.source), None, Some(column)));
            }
        }
        Ok(())
    }
}

fn need_of(condition: &Condition, source: RecordKind) -> Option<Need<'_>> {
    let (column, holds) = match condition {
        Condition::OneOf { column, .. } => (column, Holds::Texts),
        Condition::Is { column, .. } => (column, Holds::Numbers),
        Condition::AtLeast { column, .. } | Condition::AtMost { column, .. } => (column, Holds::Numbers),
        _ => return None,
    };
    let ranges = matches!(condition, Condition::AtLeast { .. } | Condition::AtMost { .. });
    // These columns are not attributes: each is a built-in column of the table.
    let built_in = matches!(
        (source, column.as_str()),
        (RecordKind::Payments, "amount") | (RecordKind::Tickets, "satisfaction") | (RecordKind::Activities, "quantity")
    );
    (!(ranges && built_in)).then_some(Need {
        column,
        holds: Some(holds),
    })
}
