//! What did not fit: every part of the twin has a bound, because whoever can write to a cluster can
//! make it grow. What was not kept is not known, so whoever reads the answer must be told.

use crate::Twin;

impl Twin {
    /// How many of what was not kept, in words that follow the number; only what is not zero.
    pub fn bounds(&self) -> Vec<(u64, &'static str)> {
        let mut reached = self.of_objects();
        reached.extend(self.of_credentials());
        reached.extend(self.of_causes());
        reached.retain(|(count, _)| *count > 0);
        reached
    }

    fn of_objects(&self) -> Vec<(u64, &'static str)> {
        let objects = self.objects.dropped();
        vec![
            (
                objects.refused,
                "sightings of objects that are not in the rebuilt cluster because there were too many: that one is not named does not say that it did not exist",
            ),
            (
                objects.forgotten,
                "objects that are gone from the cluster were forgotten because there were too many: nothing is known of them any more",
            ),
            (
                self.objects.uses_left_out(),
                "requests of service accounts are not counted for the application they belong to because there were too many accounts",
            ),
            (
                self.rbac.dropped(),
                "roles, bindings or uses of them were not kept because there were too many: there may be rights, and uses of rights, that are not told",
            ),
        ]
    }

    fn of_credentials(&self) -> Vec<(u64, &'static str)> {
        let ledger = self.ledger.left_out();
        vec![
            (
                ledger.credentials,
                "credentials were forgotten because there were too many: how they were issued and used before is not known",
            ),
            (
                ledger.pods,
                "pods were forgotten for their credentials because there were too many: whether a token was used beside its pod cannot be told of them",
            ),
            (
                ledger.addresses,
                "sightings of addresses or nodes that are not remembered because there were too many: what else was done from there is not known",
            ),
            (
                ledger.readers,
                "readings of secrets that are not remembered because there were too many: others may have read a secret than those told",
            ),
            (
                ledger.certificates,
                "requests for certificates were forgotten because there were too many: who asked for a certificate may not be known",
            ),
            (
                self.sessions.forgotten(),
                "sessions in containers were forgotten because there were too many",
            ),
        ]
    }

    fn of_causes(&self) -> Vec<(u64, &'static str)> {
        let causes = self.causes.forgotten();
        vec![
            (
                causes.objects,
                "objects were forgotten in the search for causes because there were too many: what followed from acts on them may not be told",
            ),
            (
                causes.acts,
                "acts were forgotten in the search for causes because there were too many: what followed from them is not told",
            ),
            (
                causes.links,
                "consequences were forgotten in the search for causes because there were too many: it is no longer known what set them off",
            ),
            (
                causes.candidates,
                "possible causes were left out because too many acts came at once: what followed from them may be told as without a cause",
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_told_of_a_twin_that_forgot_nothing() {
        assert_eq!(Twin::default().bounds(), Vec::new());
    }
}
