//! Synthetic tenants: the generated tables, and the true probability of churn of each customer.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array as ArrowFloats, StringArray, TimestampMicrosecondArray};
use churn_core::synthetic::{PlantedLeak, World, WorldColumn, WorldTable, WorldTenant};
use churn_core::{AsOf, Horizon, RecordKind, Timestamp};
use napi::Result;
use napi::bindgen_prelude::{Buffer, Either3, Float64Array, Object};
use napi_derive::napi;

use crate::error::{internal, invalid_option, raise};
use crate::matrix::ipc_file;
use crate::options;
use crate::records::kind_of;

/// The values of a column. They are texts, numbers or bools. Timestamps are texts.
type Values = Either3<Vec<Option<String>>, Float64Array, Vec<Option<bool>>>;

/// A column of a generated table.
#[napi(object, object_from_js = false)]
pub struct GeneratedColumn {
    /// The name of the column.
    pub name: String,
    /// The values of the column.
    #[napi(ts_type = "Array<string | null> | Float64Array | Array<boolean | null>")]
    pub values: Values,
}

/// A table of true probabilities of churn, given as columns. Each row is one eligible customer at one date.
#[napi(object, object_from_js = false)]
pub struct Risks {
    /// The id of the tenant of each row.
    pub tenant_ids: Vec<String>,
    /// The id of the customer of each row.
    pub customer_ids: Vec<String>,
    /// The date of each row.
    pub as_of: Vec<String>,
    /// The true probability of churn in the label period for each row.
    pub probabilities: Float64Array,
    /// Whether the customer of each row churned in the label period; null if the label period is not over.
    pub churned: Vec<Option<bool>>,
}

/// Synthetic tenants. The true probability of churn is known for each of their customers.
#[napi]
pub struct SyntheticWorld {
    inner: World,
}

fn moment(micros: i64) -> Option<String> {
    Timestamp::from_micros(micros).map(|at| at.to_string())
}

#[napi]
impl SyntheticWorld {
    /// Generates the tenants.
    #[napi(factory, catch_unwind)]
    pub fn make(given: Object<'_>) -> Result<Self> {
        let inner = churn_core::synthetic::world(&options::world(&given)?).map_err(raise)?;
        Ok(Self { inner })
    }

    /// The ids of the tenants.
    #[napi(getter, catch_unwind)]
    pub fn tenants(&self) -> Vec<String> {
        let tenants = self.inner.tenants().iter();
        tenants.map(|tenant| tenant.id().to_owned()).collect()
    }

    /// The start of the history.
    #[napi(getter, catch_unwind)]
    pub fn observed_from(&self) -> String {
        self.inner.observed_from().to_string()
    }

    /// The end of the history.
    #[napi(getter, catch_unwind)]
    pub fn observed_until(&self) -> String {
        self.inner.observed_until().to_string()
    }

    /// Six dates (fewer if the history is short), latest first. The history covers the 90 days after each date.
    #[napi(getter, catch_unwind)]
    pub fn dates(&self) -> Vec<String> {
        self.inner.dates().iter().map(ToString::to_string).collect()
    }

    /// Returns the true probabilities of churn at one or several dates.
    #[napi(catch_unwind)]
    pub fn truth(&self, given: Object<'_>) -> Result<Risks> {
        let dates: Vec<AsOf> = match options::dates(&given, "asOf")? {
            Some(dates) => dates,
            None => self.inner.dates(),
        };
        let horizon = Horizon {
            days: options::days(&given, "horizon")?.unwrap_or(90),
            lead: options::days(&given, "lead")?.unwrap_or(0),
        };
        let mut risks = vec![];
        for tenant in self.inner.tenants() {
            for &date in &dates {
                risks.extend(tenant.truth_within(date, horizon).map_err(raise)?);
            }
        }
        Ok(Risks {
            probabilities: Float64Array::new(risks.iter().map(|risk| risk.probability).collect()),
            churned: risks.iter().map(|risk| risk.churned).collect(),
            as_of: risks.iter().map(|risk| risk.as_of.to_string()).collect(),
            tenant_ids: risks.iter().map(|risk| risk.tenant_id.clone()).collect(),
            customer_ids: risks.into_iter().map(|risk| risk.customer_id).collect(),
        })
    }

    /// Returns the tables of one tenant. If no tenant is given, the tables contain the rows of all tenants.
    #[napi(catch_unwind)]
    pub fn tables(&self, tenant: Option<String>) -> Result<SyntheticTables> {
        let inner = match tenant {
            None => self.inner.mixed(),
            Some(id) => self
                .inner
                .tenant(&id)
                .map(WorldTenant::tables)
                .ok_or_else(|| invalid_option("tenant", "is not one of these tenants"))?,
        };
        inner.map(|inner| SyntheticTables { inner }).map_err(raise)
    }
}

/// The generated tables of one tenant or of all tenants.
#[napi]
pub struct SyntheticTables {
    inner: churn_core::synthetic::WorldTables,
}

impl SyntheticTables {
    fn table(&self, table: &str) -> Result<&WorldTable> {
        let kind: RecordKind = kind_of(table)?;
        Ok(self.inner.table(kind))
    }
}

#[napi]
impl SyntheticTables {
    /// Returns the columns of a table.
    #[napi(catch_unwind)]
    pub fn columns(&self, table: String) -> Result<Vec<GeneratedColumn>> {
        let columns = self.table(&table)?.columns().iter();
        let columns = columns.map(|(name, column)| {
            let values = match column {
                WorldColumn::Texts(values) => {
                    let texts = values.iter().map(|text| (!text.is_empty()).then(|| text.to_string()));
                    Either3::A(texts.collect())
                }
                WorldColumn::Moments(values) => Either3::A(values.iter().map(|at| at.and_then(moment)).collect()),
                WorldColumn::Numbers(values) => Either3::B(Float64Array::new(values.clone())),
                WorldColumn::Bools(values) => Either3::C(values.clone()),
                _ => return Err(internal("a column of an unknown kind")),
            };
            Ok(GeneratedColumn {
                name: (*name).to_owned(),
                values,
            })
        });
        columns.collect()
    }

    /// Returns a table as an Arrow IPC file.
    #[napi(catch_unwind)]
    pub fn arrow(&self, table: String) -> Result<Buffer> {
        let mut columns: Vec<(&str, ArrayRef)> = vec![];
        for (name, column) in self.table(&table)?.columns() {
            let array: ArrayRef = match column {
                WorldColumn::Texts(values) => {
                    let texts = values.iter().map(|text| (!text.is_empty()).then_some(&**text));
                    Arc::new(StringArray::from_iter(texts))
                }
                WorldColumn::Moments(values) => {
                    Arc::new(TimestampMicrosecondArray::from(values.clone()).with_timezone("UTC"))
                }
                WorldColumn::Numbers(values) => {
                    let numbers = values.iter().map(|value| (!value.is_nan()).then_some(*value));
                    Arc::new(ArrowFloats::from_iter(numbers))
                }
                WorldColumn::Bools(values) => Arc::new(BooleanArray::from(values.clone())),
                _ => return Err(internal("a column of an unknown kind")),
            };
            columns.push((name, array));
        }
        ipc_file(columns)
    }
}

/// Returns the leaks. A leak is a column that reveals the label and that can be added to the tables. Each entry of the
/// list contains the name of a leak and a description of its column.
#[napi(catch_unwind)]
pub fn leaks() -> Vec<Vec<String>> {
    let leaks = PlantedLeak::all();
    leaks
        .map(|leak| vec![leak.name().to_owned(), leak.meaning().to_owned()])
        .collect()
}
