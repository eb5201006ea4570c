//! The run of an invented cluster: an agenda of what happens next, and the acts that come of it in
//! the order in which they are completed. Everything is made when it is asked for, so a month of log
//! needs no more memory than the cluster that lives at that moment.

use crate::{
    act::{Act, Actor, Bodies, Text},
    calendar::{MINUTE, Moment, SECOND},
    cast::Cast,
    cluster::Cluster,
    profile::{Level, Profile},
    random::Random,
    slab::Key,
};
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    sync::Arc,
};

/// What is to be done at its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Task {
    /// An API server says that it is alive.
    ServerLease(u8),
    /// Scheduler and controller manager renew their leases.
    LeaderLease(u8),
    /// The controller manager renews the tokens of its controllers.
    ControllerTokens,
    NodeLease(Key),
    NodeStatus(Key),
    /// A node comes.
    AddNode(u32),
    /// A node goes, and another comes, perhaps under the same name.
    ReplaceNode,
    /// A namespace with its applications is made.
    SetUp(u32),
    /// A pod of a daemon set for a node.
    Daemon(Key, Key),
    /// An application is made.
    Deploy(Key),
    /// Controllers go on with a rollout or scaling.
    Step(Key),
    /// A cron job's time has come.
    Fire(Key),
    Bind(Key),
    Start(Key),
    Run(Key),
    Use(Key),
    Renew(Key),
    Finish(Key),
    Kill(Key),
    Gone(Key),
    /// A person does something.
    Work(u32),
    /// The repository or the pipeline deploys, scales, makes a preview.
    Change,
    /// A preview's end.
    EndPreview(Key),
    /// The last of a namespace.
    Finalize(Key),
}

#[derive(Debug)]
struct Pending(Act, u64);

impl Pending {
    fn order(&self) -> (Moment, u64) {
        (self.0.completed, self.1)
    }
}

impl PartialEq for Pending {
    fn eq(&self, other: &Self) -> bool {
        self.order() == other.order()
    }
}

impl Eq for Pending {}

impl PartialOrd for Pending {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Pending {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.order().cmp(&self.order())
    }
}

/// How much came and went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Acts given out.
    pub acts: u64,
    /// Acts that fell into a gap of the log.
    pub lost: u64,
    /// Objects made, without Kubernetes' events and leases.
    pub made: u64,
    /// Objects deleted.
    pub deleted: u64,
}

/// An invented cluster, act by act.
#[derive(Debug)]
pub struct Generator {
    pub(crate) profile: Profile,
    pub(crate) random: Random,
    pub(crate) cluster: Cluster,
    pub(crate) cast: Cast,
    pub(crate) now: Moment,
    agenda: BinaryHeap<Reverse<(Moment, u64, Task)>>,
    pending: BinaryHeap<Pending>,
    due: VecDeque<Act>,
    sequence: u64,
    pub(crate) counts: Counts,
}

impl Generator {
    /// The cluster of a profile and a seed.
    pub fn new(profile: Profile, seed: u64) -> Generator {
        let mut random = Random::new(seed);
        let cast = Cast::new(&profile, &mut random);
        let mut generator = Generator {
            now: profile.start,
            profile,
            random,
            cluster: Cluster::default(),
            cast,
            agenda: BinaryHeap::new(),
            pending: BinaryHeap::new(),
            due: VecDeque::new(),
            sequence: 0,
            counts: Counts::default(),
        };
        generator.boot();
        generator
    }

    /// What came and went so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The profile.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// How many things it holds in memory: objects, tasks, acts on their way out.
    pub fn held(&self) -> usize {
        let owners = self.cluster.workloads.iter().map(|(_, workload)| workload.owners.len());
        let queued = self.agenda.len() + self.pending.len() + self.due.len();
        owners.sum::<usize>() + self.cluster.pods.iter().count() + queued
    }

    /// Adds an act of somebody from outside, such as an attack. It must not be completed before the
    /// acts already given out.
    pub fn inject(&mut self, act: Act) {
        self.emit(act);
    }

    /// The end of the log.
    pub(crate) fn end(&self) -> Moment {
        self.profile.start + self.profile.length
    }

    /// Whether bodies are worth making.
    pub(crate) fn with_bodies(&self) -> bool {
        self.profile.level == Level::RequestResponse
    }

    /// Bodies, if they are logged.
    pub(crate) fn bodies(&self, make: impl FnOnce() -> Bodies) -> Option<Bodies> {
        self.with_bodies().then(make)
    }

    /// Puts a task on the agenda.
    pub(crate) fn at(&mut self, time: Moment, task: Task) {
        self.sequence += 1;
        self.agenda.push(Reverse((time.max(self.now), self.sequence, task)));
    }

    /// The same, so much later.
    pub(crate) fn after(&mut self, wait: Moment, task: Task) {
        self.at(self.now + wait, task);
    }

    /// An act of now, or of so much later, to be given out when it is completed.
    pub(crate) fn emit(&mut self, mut act: Act) {
        if act.id.is_none() {
            act.id = self.random.id();
        }
        if act.completed < act.received {
            act.completed = act.received + self.random.between(600, 14_000);
        }
        act.completed = act.completed.max(self.now);
        self.count(&act);
        self.sequence += 1;
        self.pending.push(Pending(act, self.sequence));
    }

    fn count(&mut self, act: &Act) {
        let plural = act.target.resource.map_or("", |resource| resource.plural);
        if act.code >= 300
            || !act.target.part.is_empty()
            || plural == "events"
            || plural == "leases"
        {
            return;
        }
        match act.verb {
            "create" => self.counts.made += 1,
            "delete" => self.counts.deleted += 1,
            _ => {}
        }
    }

    /// Does what is next on the agenda.
    fn advance(&mut self) -> bool {
        let next = self.agenda.pop().filter(|Reverse((time, ..))| *time < self.end());
        let Some(Reverse((time, _, task))) = next else { return false };
        self.now = time;
        self.perform(task);
        true
    }

    fn perform(&mut self, task: Task) {
        match task {
            Task::ServerLease(server) => self.renew_server(server),
            Task::LeaderLease(leader) => self.renew_leader(leader),
            Task::ControllerTokens => self.renew_controllers(),
            Task::NodeLease(node) => self.renew_node(node),
            Task::NodeStatus(node) => self.report_node(node),
            Task::AddNode(number) => self.add_node(number as usize),
            Task::ReplaceNode => self.replace_node(),
            Task::SetUp(number) => self.set_up(number as usize),
            Task::Daemon(daemon, node) => self.create_pod(daemon, 0, Some(node), None),
            Task::Deploy(workload) => self.deploy(workload),
            Task::Step(workload) => self.step(workload),
            Task::Fire(workload) => self.fire(workload),
            Task::Bind(pod) => self.bind(pod),
            Task::Start(pod) => self.start(pod),
            Task::Run(pod) => self.run(pod),
            Task::Use(pod) => self.use_api(pod),
            Task::Renew(pod) => self.renew(pod),
            Task::Finish(pod) => self.finish(pod),
            Task::Kill(pod) => self.kill(pod),
            Task::Gone(pod) => self.gone(pod),
            Task::Work(person) => self.work(person as usize),
            Task::Change => self.change(),
            Task::EndPreview(namespace) => self.end_preview(namespace),
            Task::Finalize(namespace) => self.finalize(namespace),
        }
    }

    /// Moves what is completed by now to the way out.
    fn settle(&mut self, until: Moment) {
        while let Some(first) = self.pending.peek_mut() {
            if first.0.completed > until {
                break;
            }
            let act = std::collections::binary_heap::PeekMut::pop(first).0;
            let since = act.completed - self.profile.start;
            let lost = self.profile.gaps.iter().any(|(from, to)| (*from..*to).contains(&since));
            if lost {
                self.counts.lost += 1;
            } else {
                self.counts.acts += 1;
                self.due.push_back(act);
            }
        }
    }
}

impl Iterator for Generator {
    type Item = Act;

    fn next(&mut self) -> Option<Act> {
        loop {
            if let Some(act) = self.due.pop_front() {
                return Some(act);
            }
            // Whatever is still to happen is received later than now.
            if self.advance() {
                self.settle(self.now);
            } else if self.pending.is_empty() {
                return None;
            } else {
                // What is still open when the log ends has not been logged.
                self.settle(self.end() + SECOND);
                self.pending.clear();
            }
        }
    }
}

/// When the controllers' tokens are renewed.
pub(crate) const CONTROLLER_TOKENS: Moment = 60 * MINUTE;

/// A kubelet renews a token that lives 3,607 seconds after four fifths of its life.
pub(crate) const TOKEN_RENEWAL: Moment = 2_885 * SECOND;

/// A reason of the authorizer.
pub(crate) fn reason(binding: &str, role: &str, subject: &str) -> Text {
    format!("RBAC: allowed by {binding} of {role} to {subject}").into()
}

/// An actor that is like another but for its credential.
pub(crate) fn renewed(actor: &Actor, change: impl FnOnce(&mut Actor)) -> Arc<Actor> {
    let mut actor = actor.clone();
    change(&mut actor);
    Arc::new(actor)
}
