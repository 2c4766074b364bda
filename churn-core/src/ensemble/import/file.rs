//! The form in which a model file stores a [`TreeEnsemble`].

use serde::{Deserialize, Serialize};

use super::super::flat::{Categories, FlatTrees, Unchecked};
use super::{Link, TreeEnsemble};
use crate::error::{Error, ErrorKind, Result};

/// The content of a model file that holds an ensemble of another library. This type is used to write the file.
#[derive(Serialize)]
pub(crate) struct Written<'a> {
    trees: &'a FlatTrees,
    sets: &'a [Categories],
    link: Link,
    divisor: f64,
    scale: f64,
}

/// The content of a model file that holds an ensemble of another library. This type is used to read the file. The
/// content is not validated yet.
#[derive(Deserialize)]
pub(crate) struct Read {
    trees: Unchecked,
    sets: Vec<Categories>,
    link: Link,
    divisor: f64,
    scale: f64,
}

impl TreeEnsemble {
    /// Returns the trees if they describe the ensemble completely, otherwise `None`. The trees describe the ensemble
    /// completely if two conditions hold: the sum of the leaf values is the log-odds without any scaling, and no split
    /// is on categories.
    pub(crate) fn plain(&self) -> Option<&FlatTrees> {
        let sum = (self.link, self.divisor, self.scale) == (Link::LogOdds, 1.0, 1.0);
        (sum && self.trees.sets().is_empty()).then_some(&self.trees)
    }

    /// Returns the content of the ensemble in the form in which a model file stores it.
    pub(crate) fn written(&self) -> Written<'_> {
        Written {
            trees: &self.trees,
            sets: self.trees.sets(),
            link: self.link,
            divisor: self.divisor,
            scale: self.scale,
        }
    }
}

impl TryFrom<Read> for TreeEnsemble {
    type Error = Error;

    fn try_from(read: Read) -> Result<Self> {
        let ensemble = Self {
            trees: read.trees.with_sets(read.sets)?,
            link: read.link,
            divisor: read.divisor,
            scale: read.scale,
            feature_names: vec![],
        };
        if ensemble.is_usable() {
            return Ok(ensemble);
        }
        Err(Error::new(
            ErrorKind::ArtifactDamaged,
            "the ensemble is damaged: its divisor and scale must be finite and above 0",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::flat::Node;
    use super::*;

    fn asking() -> TreeEnsemble {
        let mut trees = FlatTrees::new(0.5, 1);
        let set = trees.push_set(Categories::new(vec![0b101], (-1.0f64).next_up()));
        let split = Node::split_on_set(0, set, true, 1);
        trees.push(&[split, Node::leaf(1, -1.0), Node::leaf(2, 2.0)], &[10.0, 4.0, 6.0]);
        TreeEnsemble {
            trees,
            link: Link::Probability,
            divisor: 2.0,
            scale: 1.5,
            feature_names: vec![],
        }
    }

    fn read_back(written: &Written<'_>) -> Result<TreeEnsemble> {
        let config = bincode::config::standard();
        let bytes = bincode::serde::encode_to_vec(written, config).unwrap();
        let (read, _): (Read, usize) = bincode::serde::decode_from_slice(&bytes, config).unwrap();
        read.try_into()
    }

    #[test]
    fn ensembles_round_trip_through_bytes() {
        let ensemble = asking();
        assert_eq!(read_back(&ensemble.written()).unwrap(), ensemble);
        assert!(ensemble.plain().is_none());
        let plain = TreeEnsemble::from(FlatTrees::new(0.5, 1));
        assert!(plain.plain().is_some());
        for (link, divisor, scale) in [
            (Link::Probability, 1.0, 1.0),
            (Link::LogOdds, 2.0, 1.0),
            (Link::LogOdds, 1.0, 2.0),
        ] {
            let trees = FlatTrees::new(0.5, 1);
            let other = TreeEnsemble {
                trees,
                link,
                divisor,
                scale,
                feature_names: vec![],
            };
            assert!(other.plain().is_none());
        }
    }

    #[test]
    fn inconsistent_parts_are_damaged() {
        let ensemble = asking();
        let below = [Categories::new(vec![1], -1.0)];
        let nowhere = [Categories::new(vec![1], f64::NAN)];
        let damages: [fn(&mut Written<'_>); 4] = [
            |written| written.sets = &[],
            |written| written.scale = 0.0,
            |written| written.divisor = f64::NAN,
            |written| written.divisor = f64::INFINITY,
        ];
        for (number, damage) in damages.iter().enumerate() {
            let mut written = ensemble.written();
            damage(&mut written);
            assert_eq!(read_back(&written).unwrap_err().code(), "artifact_damaged", "{number}");
        }
        for sets in [&below, &nowhere] {
            let written = Written {
                sets,
                ..ensemble.written()
            };
            assert_eq!(read_back(&written).unwrap_err().code(), "artifact_damaged");
        }
    }
}
