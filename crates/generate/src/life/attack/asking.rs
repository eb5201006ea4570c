//! How an attacker asks: requests with their answers, at the pace of the stealth, with what the
//! cluster makes of them.

use super::Scene;
use crate::{
    act::{Act, Target, Text},
    body,
    calendar::{DAY, HOUR, MINUTE, Moment, SECOND, activity},
    life::{
        Stealth,
        cascade::{Made, NewPod, resource_of, template},
    },
    resource::{PODS, Resource, SELF_ACCESS_REVIEWS, SELF_REVIEWS, SELF_RULES_REVIEWS},
};
use serde_json::{Value, json};
use std::sync::Arc;

impl Scene<'_> {
    /// Sends a request; true if it was allowed.
    pub(crate) fn ask(&mut self, verb: &'static str, target: Target) -> bool {
        self.send(verb, target, 1, "", None)
    }

    /// Sends it so often.
    pub(crate) fn ask_often(&mut self, verb: &'static str, target: Target, count: u32) -> bool {
        self.send(verb, target, count, "", None)
    }

    /// Sends a request with a body or a query.
    pub(crate) fn send(
        &mut self,
        verb: &'static str,
        target: Target,
        count: u32,
        query: &str,
        body: Option<&Value>,
    ) -> bool {
        self.settle();
        let allowed = self.rights.allow(self.world(), verb, &target);
        let mut act = Act::new(self.at, &self.actor, verb, target).query(query);
        if allowed {
            self.answer(&mut act, body);
        } else {
            act = act.code(403).reason(&"".into());
            act.request = body.map(body::text);
        }
        if self.actor.reason.is_empty() && allowed {
            act.reason = Some(self.rights.reason(&self.actor));
        }
        self.actors.insert(Arc::clone(&self.actor.name));
        self.requests += count;
        self.cascade.own(act, count);
        self.pass();
        allowed
    }

    /// A request with a credential that is no longer good.
    pub(crate) fn unauthenticated(&mut self, target: Target) {
        self.settle();
        let act = Act::new(self.at, &self.actor, "list", target).code(401).reason(&"".into());
        self.requests += 1;
        self.cascade.own(act, 1);
        self.pass();
    }

    fn answer(&mut self, act: &mut Act, body: Option<&Value>) {
        let whole = matches!(act.verb, "create" | "update") && act.target.part.is_empty();
        let Some(body) = body else { return self.finish(act) };
        let Some(resource) = act.target.resource.filter(|_| whole) else {
            act.request = Some(body::text(body));
            return self.finish(act);
        };
        let (uid, version) =
            (self.cascade.random.id(), 1_000_000 + self.cascade.random.below(9_000_000));
        let (space, name) = (&act.target.namespace, &act.target.name);
        let bodies = body::made(resource, space, name, uid, version as u64, act.received, body);
        (act.request, act.response) = (bodies.request, bodies.response);
        self.finish(act);
    }

    fn finish(&mut self, act: &mut Act) {
        match (act.verb, act.target.part) {
            (_, "exec" | "attach" | "portforward") => {
                act.code = 101;
                act.completed = act.received + self.cascade.random.between(SECOND, 4 * MINUTE);
            }
            ("delete", _) => act.removed = Some(self.cascade.random.id()),
            ("create", "token") => act.issued = Some(self.cascade.random.id()),
            ("watch", _) => {
                act.completed = act.received + self.cascade.random.between(MINUTE, 9 * MINUTE);
            }
            _ => {}
        }
    }

    /// The patient wait for the hours of their victim.
    fn settle(&mut self) {
        if self.mimic() && self.human {
            for _ in 0..100 {
                if activity(self.at) >= 70 {
                    break;
                }
                self.at += HOUR;
            }
        }
    }

    /// Time between two requests.
    fn pass(&mut self) {
        self.cascade.label.step = self.cascade.label.step.saturating_add(1);
        let random = &mut *self.cascade.random;
        self.at += match self.stealth {
            Stealth::Noisy => random.between(30_000, 900_000),
            Stealth::Tools => random.between(4 * SECOND, 100 * SECOND),
            Stealth::Mimic => DAY + random.between(-2 * HOUR, 2 * HOUR),
        };
    }

    /// Time until what somebody caused has happened.
    pub(crate) fn wait_for(&mut self, pods: &[NewPod]) {
        let ready = pods.iter().map(|pod| pod.ready).max().unwrap_or(self.at);
        self.at = self.at.max(ready + self.cascade.random.between(SECOND, 4 * SECOND));
    }

    pub(crate) fn get(&mut self, what: &'static Resource, space: &Text, name: &Text) -> bool {
        self.ask("get", Target::object(what, space, name))
    }

    pub(crate) fn list(&mut self, what: &'static Resource, space: &Text) -> bool {
        self.send("list", Target::object(what, space, &"".into()), 1, "limit=500", None)
    }

    /// Of the whole cluster.
    pub(crate) fn list_all(&mut self, what: &'static Resource) -> bool {
        self.list(what, &"".into())
    }

    pub(crate) fn make(
        &mut self,
        what: &'static Resource,
        space: &Text,
        name: &Text,
        rest: &Value,
    ) -> bool {
        let query =
            if self.noisy() { "" } else { "fieldManager=kubectl-create&fieldValidation=Strict" };
        self.send("create", Target::object(what, space, name), 1, query, Some(rest))
    }

    pub(crate) fn patch(
        &mut self,
        what: &'static Resource,
        space: &Text,
        name: &Text,
        patch: &Value,
    ) -> bool {
        self.send(
            "patch",
            Target::object(what, space, name),
            1,
            "fieldManager=kubectl-patch",
            Some(patch),
        )
    }

    pub(crate) fn remove(&mut self, what: &'static Resource, space: &Text, name: &Text) -> bool {
        self.ask("delete", Target::object(what, space, name))
    }

    /// Runs a command in a pod.
    pub(crate) fn exec(&mut self, space: &Text, pod: &Text, command: &str) -> bool {
        let query = format!("command={command}&container=main&stdin=true&stdout=true&tty=true");
        self.send("get", Target::object(&PODS, space, pod).part("exec"), 1, &query, None)
    }

    /// Creates a workload; the pods that follow.
    pub(crate) fn deploy(&mut self, made: &Made) -> Vec<NewPod> {
        let what = resource_of(made.kind);
        let rest = match made.kind {
            "Pod" => json!({"spec": made.spec}),
            "CronJob" => json!({"spec": {"schedule": "*/30 * * * *", "jobTemplate":
                {"spec": {"template": {"spec": made.spec}}}}}),
            _ => json!({"spec": {"replicas": made.replicas,
                "template": template(made)}}),
        };
        let at = self.at;
        if !self.make(what, &made.space, &made.name, &rest) {
            return Vec::new();
        }
        let label = self.cascade.label;
        let pods = self.cascade.deployed(self.deed_moment(at), made);
        self.cascade.label = label;
        self.wait_for(&pods);
        pods
    }

    /// The moment of the last request, which may have waited for its victim's hours.
    pub(crate) fn deed_moment(&self, fallback: Moment) -> Moment {
        let own = self.cascade.deeds.iter().rev().find(|deed| !deed.label.cascade);
        own.map_or(fallback, |deed| deed.act.completed)
    }

    /// What many attackers do first: who am I, what may I do, what is there.
    pub(crate) fn look_around(&mut self) {
        let curious = self.by_stealth(650, 300, 0);
        if !self.cascade.random.chance(curious) {
            return;
        }
        if self.noisy() {
            for path in ["/version", "/api", "/apis"] {
                self.ask("get", Target::path(path));
            }
            self.review(&SELF_REVIEWS, &json!({}));
            let space = self.home_name();
            self.review(&SELF_RULES_REVIEWS, &json!({"spec": {"namespace": &*space}}));
        } else {
            self.can_i("create", "pods");
        }
    }

    fn review(&mut self, what: &'static Resource, spec: &Value) -> bool {
        self.send("create", Target::global(what, &"".into()), 1, "", Some(spec))
    }

    /// What may I do in this namespace?
    pub(crate) fn rules_of(&mut self, space: &Text) -> bool {
        self.review(&SELF_RULES_REVIEWS, &json!({"spec": {"namespace": &**space}}))
    }

    /// May I do this?
    pub(crate) fn can_i(&mut self, verb: &str, what: &str) -> bool {
        let attributes = json!({"verb": verb, "resource": what});
        self.review(&SELF_ACCESS_REVIEWS, &json!({"spec": {"resourceAttributes": attributes}}))
    }
}
