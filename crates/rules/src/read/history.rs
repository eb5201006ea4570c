//! Fields of the past. Without a history at hand (before the fact is in order) they are unknown.

use super::View;
use crate::field::FieldId;
use trailhound_model::lookup::{Reading, Truth};

impl View<'_> {
    pub(super) fn history_flag(&self, id: FieldId) -> Truth {
        let Some(history) = self.history else { return Truth::Unknown };
        match id {
            FieldId::HistoryAddressIsNew => history.address_is_new(self.fact),
            FieldId::HistoryAgentIsNew => history.agent_is_new(self.fact),
            FieldId::HistoryTokenOffNetwork => history.token_off_network(self.fact),
            FieldId::HistoryTokenMoved => history.token_moved(self.fact),
            FieldId::HistoryAccountOnlyPodBound => history.account_only_pod_bound(self.fact),
            FieldId::HistoryAddressOfPerson => history.address_of_person(self.fact),
            FieldId::HistoryRefusedToAnother => history.refused_to_another(self.fact),
            FieldId::HistoryGrantUnseen => history.grant_unseen(self.fact),
            FieldId::HistoryTokenMintedElsewhere => history.token_minted_elsewhere(self.fact),
            FieldId::HistoryTokenOffNode => history.token_off_node(self.fact),
            FieldId::HistoryTokenAfterPodEnd => history.token_after_pod_end(self.fact),
            FieldId::HistoryTokenTwoPlaces => history.token_two_places(self.fact),
            FieldId::HistoryTokenNeverIssued => history.token_never_issued(self.fact),
            FieldId::HistoryTokenAfterExpiry => history.token_after_expiry(self.fact),
            FieldId::HistoryAccountWithCertificate => history.account_with_certificate(self.fact),
            _ => Truth::Unknown,
        }
    }

    pub(super) fn history_text(&self, id: FieldId) -> Reading<String> {
        match (self.history, id) {
            (Some(history), FieldId::HistoryTokenChecks) => {
                Reading::Present(history.token_checks(self.fact))
            }
            _ => Reading::Unknown,
        }
    }

    pub(super) fn history_number(&self, id: FieldId) -> Reading<i64> {
        let Some(history) = self.history else { return Reading::Unknown };
        let count = match id {
            FieldId::HistoryPriorActions => history.prior_actions(self.fact),
            FieldId::HistoryPriorRequests => history.prior_requests(self.fact),
            _ => return Reading::Unknown,
        };
        Reading::Present(i64::try_from(count).unwrap_or(i64::MAX))
    }
}
