//! What people do at a terminal: each has a few things that he does all day, more that his work may
//! ask of him, and now and then something that he never did before. Some of it is refused.

use super::{
    found::outside,
    names,
    profile::{Cloud, LifeProfile},
};
use crate::{
    act::{Act, Actor, Credential, Target, Text},
    calendar::{HOUR, MINUTE, Moment, SECOND, activity},
    generator::reason,
    life::{Deed, Person, SpaceKind, World},
    random::Random,
    resource::{
        CONFIG_MAPS, CORE_EVENTS, CRON_JOBS, DEPLOYMENTS, INGRESSES, JOBS, NAMESPACES, NODES, PODS,
        REPLICA_SETS, ROLE_BINDINGS, Resource, SECRETS, SELF_ACCESS_REVIEWS, SERVICE_ACCOUNTS,
        SERVICES, STATEFUL_SETS, VOLUME_CLAIMS,
    },
};
use std::sync::Arc;

/// What a chore is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// All of a kind in a namespace.
    Kind(&'static Resource),
    /// A workload of the namespace.
    Work,
    /// A pod of the namespace, or a part of it.
    Pod(&'static str),
    /// A secret.
    Secret,
    /// A config map.
    Config,
    /// All of a kind in the cluster.
    Cluster(&'static Resource),
    /// Whether one may do something.
    Review,
}

/// Something that people do: how common, what, and whether it changes anything.
struct Chore {
    weight: usize,
    verb: &'static str,
    what: What,
    writes: bool,
}

const fn chore(weight: usize, verb: &'static str, what: What, writes: bool) -> Chore {
    Chore { weight, verb, what, writes }
}

static CHORES: [Chore; 32] = [
    chore(120, "list", What::Kind(&PODS), false),
    chore(70, "get", What::Pod(""), false),
    chore(70, "get", What::Pod("log"), false),
    chore(45, "list", What::Kind(&DEPLOYMENTS), false),
    chore(35, "get", What::Work, false),
    chore(30, "list", What::Kind(&CORE_EVENTS), false),
    chore(22, "list", What::Kind(&SERVICES), false),
    chore(12, "list", What::Kind(&CONFIG_MAPS), false),
    chore(14, "get", What::Config, false),
    chore(12, "list", What::Kind(&INGRESSES), false),
    chore(10, "list", What::Kind(&JOBS), false),
    chore(8, "list", What::Kind(&CRON_JOBS), false),
    chore(8, "list", What::Kind(&STATEFUL_SETS), false),
    chore(8, "list", What::Kind(&REPLICA_SETS), false),
    chore(6, "list", What::Kind(&VOLUME_CLAIMS), false),
    chore(22, "get", What::Pod("exec"), true),
    chore(16, "get", What::Pod("portforward"), true),
    chore(18, "patch", What::Work, true),
    chore(14, "delete", What::Pod(""), true),
    chore(6, "get", What::Secret, true),
    chore(4, "list", What::Kind(&SECRETS), true),
    chore(6, "patch", What::Config, true),
    chore(3, "patch", What::Secret, true),
    chore(4, "list", What::Kind(&SERVICE_ACCOUNTS), false),
    chore(2, "list", What::Kind(&ROLE_BINDINGS), false),
    chore(14, "list", What::Cluster(&NAMESPACES), false),
    chore(10, "list", What::Cluster(&NODES), false),
    chore(8, "list", What::Cluster(&PODS), false),
    chore(3, "list", What::Cluster(&DEPLOYMENTS), false),
    chore(2, "list", What::Cluster(&CORE_EVENTS), false),
    chore(3, "create", What::Review, false),
    chore(4, "watch", What::Kind(&PODS), false),
];

/// How a person works.
#[derive(Clone, Debug, Default)]
pub(super) struct Ways {
    /// Places in the list of chores, each with a namespace.
    favourites: Vec<(usize, usize)>,
    /// Office, home, on the road: identity and program with another address.
    pub(super) spots: Vec<Arc<Actor>>,
    /// Hours before or after the others.
    shift: i64,
    /// How often in a busy hour, in thousandths.
    keen: usize,
    /// Away until then.
    pub(super) away: Moment,
}

/// A new person.
pub(super) fn person(
    profile: &LifeProfile,
    world: &World,
    team: u16,
    random: &mut Random,
) -> (Person, Ways) {
    let name = names::person(random);
    let user = match profile.cloud {
        Cloud::Eks => format!("arn:aws:sts::111122223333:assumed-role/Team{team}/{name}"),
        Cloud::Gke => format!("{name}@example.dev"),
        Cloud::Aks => format!("{name}@example.onmicrosoft.com"),
        Cloud::Own | Cloud::Edge if profile.windows => format!("oidc:{name}"),
        Cloud::Own | Cloud::Edge => name,
    };
    let (admin, writes) = (team == 0, team == 0 || random.chance(750));
    let agent = match random.below(10) {
        0 => "k9s/0.50.6".to_owned(),
        1 => "Freelens/1.4.0 (darwin/arm64)".to_owned(),
        2 => "kubectl/v1.31.9 (linux/amd64) kubernetes/c2b7b3e".to_owned(),
        3..=5 => "kubectl/v1.33.1 (darwin/arm64) kubernetes/8adc0f0".to_owned(),
        _ => "kubectl/v1.32.3 (darwin/arm64) kubernetes/32cc146".to_owned(),
    };
    let group = if admin { "platform-admins".to_owned() } else { format!("team-{team}") };
    let office = Actor {
        groups: vec![group.as_str().into(), "system:authenticated".into()],
        credential: match profile.cloud {
            Cloud::Own | Cloud::Edge if !profile.windows => Credential::Certificate([
                random.word(),
                random.word(),
                random.word(),
                random.word(),
            ]),
            _ => Credential::None,
        },
        address: format!("203.0.113.{}", 10 + random.below(4)).into(),
        agent: agent.into(),
        reason: reason(
            &format!("ClusterRoleBinding \"{group}\""),
            &format!("ClusterRole \"{group}\""),
            &format!("Group \"{group}\""),
        ),
        name: user.into(),
        ..Actor::default()
    };
    let home = Actor { address: outside(random, 60).into(), ..office.clone() };
    let office = Arc::new(office);
    let own = own_spaces(world, team);
    let count = random.between(5, 12);
    let favourites =
        (0..count).map(|_| (pick_chore(random, writes), one_of(&own, random))).collect();
    let ways = Ways {
        favourites,
        spots: vec![Arc::clone(&office), Arc::new(home)],
        shift: random.between(-1, 3),
        keen: 120 + random.below(450),
        away: 0,
    };
    (Person { actor: office, team, admin, writes }, ways)
}

fn own_spaces(world: &World, team: u16) -> Vec<usize> {
    let own = world
        .spaces
        .iter()
        .enumerate()
        .filter(|(_, space)| space.team == team && (team > 0 || space.kind != SpaceKind::Team));
    own.map(|(place, _)| place).collect()
}

fn one_of(all: &[usize], random: &mut Random) -> usize {
    random.pick(all).copied().unwrap_or(0)
}

fn pick_chore(random: &mut Random, writes: bool) -> usize {
    let fits = |chore: &Chore| writes || !chore.writes;
    let sum: usize = CHORES.iter().filter(|one| fits(one)).map(|one| one.weight).sum();
    let mut left = random.below(sum);
    for (place, one) in CHORES.iter().enumerate().filter(|(_, one)| fits(one)) {
        if left < one.weight {
            return place;
        }
        left -= one.weight;
    }
    0
}

/// What came of a session.
#[derive(Debug, Default)]
pub(super) struct Session {
    pub(super) deeds: Vec<Deed>,
    /// Workloads that were restarted, and when.
    pub(super) rolled: Vec<(usize, Moment)>,
    /// Pods that were deleted: workload, place, when.
    pub(super) deleted: Vec<(usize, usize, Moment)>,
}

/// Whether somebody sits down in this hour.
pub(super) fn comes(ways: &Ways, now: Moment, zone: i64, random: &mut Random) -> bool {
    let busy = activity(now + (zone - ways.shift) * HOUR);
    now >= ways.away && random.chance(ways.keen * usize::try_from(busy).unwrap_or(0) / 100)
}

/// One session of a person.
pub(super) fn session(
    world: &World,
    person: usize,
    ways: &Ways,
    random: &mut Random,
) -> Option<Session> {
    let own = world.people.get(person)?;
    let spot = if random.chance(300) { ways.spots.last() } else { ways.spots.first() };
    let actor = Arc::clone(spot?);
    let mut done = Session::default();
    let mut at = world.now + random.between(0, 30 * MINUTE);
    if random.chance(250) {
        for path in ["/api", "/apis"] {
            done.push(Act::new(at, &actor, "get", Target::path(path)), random);
        }
    }
    for _ in 0..random.between(2, 14) {
        at += random.between(3 * SECOND, 100 * SECOND);
        let (chore, space) = match random.below(1000) {
            0..860 => random.pick(&ways.favourites).copied().unwrap_or_default(),
            860..980 => {
                (pick_chore(random, own.writes), one_of(&own_spaces(world, own.team), random))
            }
            980..993 => (pick_chore(random, true), one_of(&own_spaces(world, own.team), random)),
            // Somewhere else, by mistake or because somebody asked.
            _ => (pick_chore(random, own.writes), random.below(world.spaces.len())),
        };
        let Some(chore) = CHORES.get(chore) else { continue };
        done.one(world, own, &actor, (chore, space), at, random);
        if at - world.now > HOUR - 2 * MINUTE {
            break;
        }
    }
    Some(done)
}

impl Session {
    fn push(&mut self, mut act: Act, random: &mut Random) {
        act.id = random.id();
        act.completed = act.received + random.between(2_000, 40_000);
        self.deeds.push(Deed::once(act));
    }

    fn one(
        &mut self,
        world: &World,
        own: &Person,
        actor: &Arc<Actor>,
        (chore, space): (&Chore, usize),
        at: Moment,
        random: &mut Random,
    ) {
        let Some(place) = world.spaces.get(space) else { return };
        let none: Text = "".into();
        let works: Vec<usize> = (0..world.works.len())
            .filter(|work| world.works.get(*work).is_some_and(|one| one.space == space))
            .collect();
        let work = one_of(&works, random);
        let of = world.works.get(work).filter(|one| one.space == space);
        let target = match chore.what {
            What::Kind(resource) => Target::object(resource, &place.name, &none),
            What::Cluster(resource) => Target::global(resource, &none),
            What::Review => Target::global(&SELF_ACCESS_REVIEWS, &none),
            What::Secret => Target::object(&SECRETS, &place.name, &some(&place.secrets, random)),
            What::Config => {
                Target::object(&CONFIG_MAPS, &place.name, &some(&place.config_maps, random))
            }
            What::Work => {
                let Some(of) = of.filter(|of| of.kind == "Deployment") else { return };
                Target::object(&DEPLOYMENTS, &place.name, &of.name)
            }
            What::Pod(part) => {
                let Some(of) = of.filter(|of| !of.pods.is_empty()) else { return };
                let pod = random.below(of.pods.len());
                let name = of.pods.get(pod).map(|pod| Arc::clone(&pod.name)).unwrap_or_default();
                if chore.verb == "delete" && own.writes {
                    self.deleted.push((work, pod, at));
                }
                Target::object(&PODS, &place.name, &name).part(part)
            }
        };
        if chore.verb == "patch" && chore.what == What::Work && own.writes {
            self.rolled.push((work, at));
        }
        let strange = place.team != own.team && !own.admin;
        let cluster = matches!(chore.what, What::Cluster(_));
        let refused = (strange && !cluster) || (chore.writes && !own.writes);
        let code = match (refused, random.below(1000)) {
            (true, _) => 403,
            (false, 0..8) => 404,
            (false, 8..11) if chore.writes => 409,
            _ if matches!(chore.what, What::Pod("exec" | "portforward")) => 101,
            _ if chore.verb == "create" => 201,
            _ => 200,
        };
        self.push(Act::new(at, actor, chore.verb, target).code(code), random);
    }
}

fn some(all: &[Text], random: &mut Random) -> Text {
    random.pick(all).cloned().unwrap_or_default()
}
