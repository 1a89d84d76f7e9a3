//! The compiled policy as decisions read it: one immutable value, replaced at once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use foldhash::fast::RandomState;
use papaya::Guard;
use scopegate_core::{
    Catalogue, Catalogues, Compiler, Manifest, Manifests, Name, PackHistory, Policies, PolicyError,
    PolicyRule, Role, Scope, ToolTable,
};
use seize::Collector;

use crate::credentials::CredentialSource;
use crate::policy::Policy;

mod packs;
mod policies;

/// Roles in one chunk: publishing a role copies one chunk and the list of chunks.
const CHUNK: usize = 128;

/// The place of a role, for as long as the enforcer lives.
pub(crate) type Slot = u32;

/// Scopes stand in it themselves: one look less at memory that is far away.
type Chunk = [Option<Scope>; CHUNK];

/// All scopes.
#[derive(Clone, Default)]
pub(crate) struct Snapshot {
    chunks: Vec<Arc<Chunk>>,
    pub(crate) tools: Arc<ToolTable>,
    /// What MCP servers offer.
    pub(crate) catalogues: Arc<Catalogues>,
    /// What stands against calls, where anything does.
    pub(crate) policies: Option<Arc<Policies>>,
    /// What agents may do to which resource.
    pub(crate) manifests: Arc<Manifests>,
    /// The credentials that policies name and the source can find, sorted.
    pub(crate) credentials: Arc<[Name]>,
    /// Whether a policy or a role looks at trust, so that it has to be counted.
    pub(crate) reads_trust: bool,
}

impl Snapshot {
    pub(crate) fn scope(&self, slot: Slot) -> Option<&Scope> {
        let slot = slot as usize;
        self.chunks.get(slot / CHUNK)?.get(slot % CHUNK)?.as_ref()
    }

    fn put(&mut self, slot: Slot, scope: Option<Scope>) {
        let slot = slot as usize;
        while self.chunks.len() <= slot / CHUNK {
            self.chunks.push(Arc::new([const { None }; CHUNK]));
        }
        let place =
            self.chunks.get_mut(slot / CHUNK).and_then(|chunk| Arc::make_mut(chunk).get_mut(slot % CHUNK));
        if let Some(place) = place {
            *place = scope;
        }
    }
}

/// The snapshot in force: the one entry of a map, so that the guard under which a session is found
/// keeps it too. Reading it takes no lock and counts no reference.
pub(crate) struct Published {
    map: papaya::HashMap<(), Snapshot, RandomState>,
    /// Permits nothing.
    empty: Snapshot,
}

impl Published {
    /// Whoever reads holds a guard of this collector meanwhile.
    pub(crate) fn new(snapshot: Snapshot, collector: &Arc<Collector>) -> Self {
        let map = papaya::HashMap::builder()
            .hasher(RandomState::default())
            .shared_collector(collector.clone())
            .build();
        map.pin().insert((), snapshot);
        Self { map, empty: Snapshot::default() }
    }

    /// What was stored last. There is always one.
    #[inline]
    pub(crate) fn load<'g>(&'g self, guard: &'g impl Guard) -> &'g Snapshot {
        self.map.get(&(), guard).unwrap_or(&self.empty)
    }

    /// From here on everyone reads this one.
    pub(crate) fn store(&self, snapshot: Snapshot) {
        let guard = self.map.guard();
        self.map.insert((), snapshot, &guard);
        // Old snapshots are large: they are freed as soon as nobody reads them, not when many are old.
        guard.flush();
    }
}

/// The policy's manifests, and over them what was registered.
fn in_force(mut written: Manifests, registered: &BTreeMap<Name, Manifest>) -> Result<Manifests, PolicyError> {
    registered.values().try_for_each(|manifest| written.put(manifest))?;
    Ok(written)
}

/// Makes snapshots: the side of the policy that writes.
pub(crate) struct Publisher {
    compiler: Compiler,
    source: Arc<dyn CredentialSource>,
    credentials: BTreeSet<Name>,
    roles: BTreeMap<Name, Arc<Role>>,
    /// MCP servers as they were written.
    mcp_servers: BTreeMap<Name, Catalogue>,
    /// Those of them that were registered since, in whatever policy.
    registered: BTreeMap<Name, Catalogue>,
    /// Policies as they are in force: those of the policy, those that were registered, and those of packs.
    policies: Vec<PolicyRule>,
    /// Those of the policy, as they were written.
    written_policies: Vec<PolicyRule>,
    /// Those that were registered since, in whatever policy.
    registered_policies: Vec<PolicyRule>,
    /// Those that were turned live since, as they were written: what says something else is another policy.
    promoted: Vec<PolicyRule>,
    /// Packs that were deployed, in whatever policy file.
    packs: BTreeMap<Name, PackHistory>,
    /// Manifests as the policy has them.
    manifests: Vec<Manifest>,
    /// Manifests that were registered since, sorted, in whatever policy: an agent without its own may do more.
    registered_manifests: BTreeMap<Name, Manifest>,
    /// Who inherits from whom.
    children: HashMap<Name, BTreeSet<Name>>,
    /// Roles that want trust.
    trusting: BTreeSet<Name>,
    slots: HashMap<Name, Slot>,
    next_slot: Slot,
    latest: Snapshot,
    version: u64,
}

impl Publisher {
    pub(crate) fn new(source: Arc<dyn CredentialSource>) -> Self {
        Self {
            compiler: Compiler::default(),
            source,
            credentials: BTreeSet::new(),
            roles: BTreeMap::new(),
            mcp_servers: BTreeMap::new(),
            policies: Vec::new(),
            written_policies: Vec::new(),
            registered_policies: Vec::new(),
            promoted: Vec::new(),
            packs: BTreeMap::new(),
            manifests: Vec::new(),
            registered_manifests: BTreeMap::new(),
            registered: BTreeMap::new(),
            children: HashMap::new(),
            trusting: BTreeSet::new(),
            slots: HashMap::new(),
            next_slot: 0,
            latest: Snapshot::default(),
            version: 0,
        }
    }

    /// Replaces every role, and every catalogue but those that were registered since: a tool that was
    /// quarantined stays so when the policy is read again. Or changes nothing.
    pub(crate) fn replace(&mut self, policy: &Policy) -> Result<Snapshot, PolicyError> {
        let roles = self.roles_with_packs(policy.by_name()?)?;
        let mut catalogues = policy.catalogues()?;
        for (server, catalogue) in &self.registered {
            catalogues.put(server, catalogue)?;
        }
        let catalogues = Arc::new(catalogues);
        let manifests = in_force(policy.manifests()?, &self.registered_manifests)?;
        policy.check_policies()?;
        let rules = self.rules_in_force(&policy.policies);
        let policies = policies::compiled(&rules)?;
        let mut scopes = Vec::with_capacity(roles.len());
        for (index, role) in policy.roles.iter().enumerate() {
            let scope = self.compiler.compile(role, &roles, self.version + 1);
            scopes.push(scope.map_err(|error| error.in_element(index).in_member("roles"))?);
        }
        for role in self.packs.values().filter_map(PackHistory::active).flat_map(|pack| &pack.roles) {
            scopes.push(self.compiler.compile(role, &roles, self.version + 1)?);
        }
        self.slots.retain(|name, _| roles.contains_key(name));
        self.credentials.clear();
        roles.values().for_each(|role| self.note_credentials(role));
        let mut next = Snapshot {
            chunks: Vec::new(),
            tools: self.compiler.tools().clone(),
            catalogues,
            policies,
            manifests: Arc::new(manifests),
            credentials: self.credentials.iter().cloned().collect(),
            reads_trust: false, // until it is published
        };
        for scope in scopes {
            let slot = self.slot(scope.name());
            next.put(slot, Some(scope));
        }
        self.forget_kin();
        roles.values().for_each(|role| self.adopt(role));
        self.roles = roles;
        self.mcp_servers = self.servers_with(policy);
        self.manifests = policy.manifests.clone();
        self.policies = rules;
        self.written_policies.clone_from(&policy.policies);
        self.compiler.sweep();
        Ok(self.publish(next))
    }

    /// Whether these are the roles, policies, catalogues and manifests in force.
    pub(crate) fn holds(&self, policy: &Policy) -> bool {
        self.servers_with(policy) == self.mcp_servers
            && policy.manifests == self.manifests
            && self.rules_in_force(&policy.policies) == self.policies
            && policy.by_name().and_then(|roles| self.roles_with_packs(roles)).is_ok_and(|r| r == self.roles)
    }

    fn servers_with(&self, policy: &Policy) -> BTreeMap<Name, Catalogue> {
        let mut servers = policy.mcp_servers.clone();
        servers.extend(self.registered.clone());
        servers
    }

    /// What was registered for an MCP server.
    pub(crate) fn catalogue(&self, server: &str) -> Option<&Catalogue> {
        self.mcp_servers.get(server)
    }

    /// Registers what an MCP server offers, in the place of what was registered.
    pub(crate) fn put_catalogue(
        &mut self,
        server: Name,
        catalogue: Catalogue,
    ) -> Result<Snapshot, PolicyError> {
        let mut next = self.latest.clone();
        Arc::make_mut(&mut next.catalogues).put(&server, &catalogue)?;
        self.registered.insert(server.clone(), catalogue.clone());
        self.mcp_servers.insert(server, catalogue);
        Ok(self.publish(next))
    }

    /// Forgets what an MCP server offers; `None` when nothing was registered.
    pub(crate) fn remove_catalogue(&mut self, server: &str) -> Option<Snapshot> {
        self.mcp_servers.remove(server)?;
        self.registered.remove(server);
        let mut next = self.latest.clone();
        Arc::make_mut(&mut next.catalogues).remove(server);
        Some(self.publish(next))
    }

    /// Registers an agent's manifest, in the place of the earlier one.
    pub(crate) fn put_manifest(&mut self, manifest: &Manifest) -> Result<Snapshot, PolicyError> {
        let sorted = manifest.sorted()?;
        let mut next = self.latest.clone();
        Arc::make_mut(&mut next.manifests).put(&sorted)?;
        self.registered_manifests.insert(sorted.agent_id.clone(), sorted);
        Ok(self.publish(next))
    }

    /// Forgets a manifest that was registered; `None` when none was. What the policy says is in force again.
    pub(crate) fn remove_manifest(&mut self, agent: &str) -> Option<Snapshot> {
        self.registered_manifests.remove(agent)?;
        let mut next = self.latest.clone();
        let manifests = Arc::make_mut(&mut next.manifests);
        manifests.remove(agent);
        let written = self.manifests.iter().filter(|manifest| manifest.agent_id == agent);
        // They were accepted when the policy was.
        written.for_each(|manifest| drop(manifests.put(manifest)));
        Some(self.publish(next))
    }

    /// Adds or replaces one role, and recompiles the roles that inherit from it.
    pub(crate) fn put(&mut self, role: Role) -> Result<Snapshot, PolicyError> {
        self.not_of_a_pack(&role.name)?;
        let (name, role) = (role.name.clone(), Arc::new(role));
        let before = self.roles.insert(name.clone(), role.clone());
        before.iter().for_each(|before| self.disown(before));
        self.adopt(&role);
        match self.compile_family(&name) {
            Ok(scopes) => {
                let mut next = self.latest.clone();
                next.tools = self.compiler.tools().clone();
                if !role.credential_mapping.is_empty() {
                    self.note_credentials(&role);
                    next.credentials = self.credentials.iter().cloned().collect();
                }
                for scope in scopes {
                    let slot = self.slot(scope.name());
                    next.put(slot, Some(scope));
                }
                Ok(self.publish(next))
            }
            Err(error) => {
                self.disown(&role);
                before.iter().for_each(|before| self.adopt(before));
                match before {
                    Some(before) => self.roles.insert(name, before),
                    None => self.roles.remove(&name),
                };
                Err(error)
            }
        }
    }

    /// Removes a role; its sessions are over. `None` when there is no such role, an error when
    /// others inherit from it.
    pub(crate) fn remove(&mut self, name: &str) -> Option<Result<Snapshot, Name>> {
        let slot = *self.slots.get(name)?;
        let role = self.roles.get(name)?.clone();
        if let Some(heir) = self.children.get(name).and_then(|children| children.first()) {
            return Some(Err(heir.clone()));
        }
        self.roles.remove(name);
        self.slots.remove(name);
        self.disown(&role);
        let mut next = self.latest.clone();
        next.put(slot, None);
        Some(Ok(self.publish(next)))
    }

    /// Where a role stands, if it exists.
    pub(crate) fn find(&self, name: &str) -> Option<Slot> {
        self.roles.contains_key(name).then(|| self.slots.get(name).copied()).flatten()
    }

    /// Every role, by name.
    pub(crate) fn roles(&self) -> &BTreeMap<Name, Arc<Role>> {
        &self.roles
    }

    /// The role and all that inherit from it.
    fn compile_family(&mut self, name: &Name) -> Result<Vec<Scope>, PolicyError> {
        let mut family = vec![name.clone()];
        let mut at = 0;
        while let Some(children) = family.get(at).map(|parent| self.children.get(parent)) {
            let new: Vec<Name> =
                children.into_iter().flatten().filter(|c| !family.contains(c)).cloned().collect();
            family.extend(new);
            at += 1;
        }
        let roles = family.iter().filter_map(|name| self.roles.get(name));
        roles.map(|role| self.compiler.compile(role, &self.roles, self.version + 1)).collect()
    }

    fn note_credentials(&mut self, role: &Role) {
        let found = role.credential_mapping.values().filter(|name| self.source.find(name).is_some());
        self.credentials.extend(found.cloned());
    }

    fn adopt(&mut self, role: &Role) {
        if let Some(parent) = &role.parent_role_id {
            self.children.entry(parent.clone()).or_default().insert(role.name.clone());
        }
        if role.min_trust_level.is_some() {
            self.trusting.insert(role.name.clone());
        }
    }

    /// Forgets what `adopt` noted of all roles.
    fn forget_kin(&mut self) {
        self.children.clear();
        self.trusting.clear();
    }

    fn disown(&mut self, role: &Role) {
        if let Some(children) = role.parent_role_id.as_ref().and_then(|parent| self.children.get_mut(parent))
        {
            children.remove(&role.name);
        }
        self.trusting.remove(&role.name);
    }

    /// A role that was removed and comes back gets a new place: its old sessions stay over.
    fn slot(&mut self, name: &Name) -> Slot {
        let slot = *self.slots.entry(name.clone()).or_insert(self.next_slot);
        self.next_slot = self.next_slot.max(slot.saturating_add(1));
        slot
    }

    fn publish(&mut self, mut next: Snapshot) -> Snapshot {
        self.version += 1;
        let by_policies = next.policies.as_deref().is_some_and(Policies::reads_trust);
        next.reads_trust = by_policies || !self.trusting.is_empty();
        self.latest = next.clone();
        next
    }
}
