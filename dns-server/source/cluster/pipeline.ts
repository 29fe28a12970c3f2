import type { KubeConfig } from "@kubernetes/client-node";
import type { ClusterConfig } from "../../config/roles.ts";
import { Inventory } from "../../domains/inventory.ts";
import { request, type ApiRequest } from "../../kubernetes/api.ts";
import type { ClusterWatch } from "../../kubernetes/cluster.ts";
import { IngressStatuses } from "../../kubernetes/status.ts";
import { LastViewFile, type KeptView, type LastView } from "../../publishing/last-view.ts";
import { Registration } from "../../registration/registration.ts";
import { log } from "../../runtime/log.ts";
import { going } from "../../runtime/unexpected.ts";
import type { PrometheusAccess } from "../../steering/access.ts";
import type { Name } from "../../wire/name.ts";
import type { Legacy } from "../source.ts";
import { Choice } from "./choice.ts";
import { Domains } from "./domains.ts";
import { followObjects } from "./objects.ts";
import { Telling } from "./telling.ts";
import { ClusterView } from "./view.ts";
import { ClusterZones } from "./zones.ts";

/** What a pipeline works with. */
export interface PipelineParts {
  readonly kubeConfig: KubeConfig;
  /** What Prometheus is asked with. */
  readonly access: PrometheusAccess | undefined;
  /** What is known by an earlier configuration. */
  readonly legacy: Legacy | undefined;
  /** Called after each new view, with the times of the changes that led to it. */
  readonly changed: (since: readonly number[]) => void;
}

/** From the objects of a cluster to a view: objects -> domains -> choice -> zones -> view. Changes that come together make one view. */
export class Pipeline {
  readonly inventory: Inventory;
  readonly domains: Domains;
  readonly choice: Choice;
  readonly zones: ClusterZones;
  readonly view: ClusterView;
  readonly watch: ClusterWatch;
  readonly registration: Registration | undefined;
  private readonly changed: PipelineParts["changed"];
  private readonly telling: Telling;
  private readonly statuses: IngressStatuses;
  private readonly file: LastViewFile | undefined;
  private readonly runGoing = going("view", () => this.run());
  private due: NodeJS.Immediate | undefined;
  /** The view of an earlier process, until the cluster has been read. */
  private kept: KeptView | undefined;

  constructor(config: ClusterConfig, { kubeConfig, access, legacy, changed }: PipelineParts) {
    this.changed = changed;
    this.file = config.file === undefined ? undefined : new LastViewFile(config.file, () => this.toKeep());
    // what another configuration serves is fresher
    this.kept = legacy ? undefined : this.file?.read();
    this.zones = new ClusterZones(config);
    if (this.kept) this.zones.resume(this.kept.published);
    this.view = new ClusterView(this.kept ? this.zones.build() : new Map(), this.zones.unread);
    this.inventory = new Inventory(claimSettings(config), legacy?.owners ?? this.kept?.owners);
    this.domains = new Domains(this.inventory);
    const send = (asked: ApiRequest): Promise<unknown> => request(kubeConfig, asked);
    this.statuses = new IngressStatuses(send, (key) => this.inventory.ingressStatus(key));
    this.telling = new Telling(send, this.inventory, this.domains);
    this.registration = this.register(config, legacy);
    this.choice = new Choice(
      this.domains,
      { ...config, access, probe: { intervalMs: config.probe.interval * 1000 } },
      {
        changed: () => this.schedule(),
        silent: (name, probe, result) => this.telling.silent(name, probe, result),
        fault: (domain, message) => this.telling.unsteered(domain, message),
      },
      legacy?.selector,
    );
    this.watch = followObjects(kubeConfig, this.inventory, {
      changed: (at) => {
        this.view.note(at);
        this.schedule();
      },
      listed: () => this.listed(),
    });
  }

  /** When what is served was last known to be true, of a view that an earlier process has left; milliseconds since the epoch. */
  get keptAt(): number | undefined {
    return this.kept?.at;
  }

  async stop(): Promise<void> {
    if (this.due) clearImmediate(this.due);
    this.choice.selector.stop();
    this.telling.stop();
    this.statuses.stop();
    this.registration?.stop();
    await Promise.all([this.watch.stop(), this.file?.stop()]);
  }

  /** From what has changed to the next view, stage by stage. */
  private run(): void {
    this.due = undefined;
    const changes = this.domains.update();
    this.telling.tell(changes.faults);
    this.statuses.check(changes.ingresses);
    for (const [name, published] of this.choice.choose(changes.domains.keys())) this.zones.set(name, published);
    if (!this.view.isComplete) this.zones.retain((name) => this.domains.get(name) !== undefined);
    this.kept = undefined;
    const times = this.view.take(this.zones.build());
    if (!times) return;
    this.registration?.set(this.zones.delegated());
    this.file?.changed();
    this.changed(times);
  }

  private schedule(): void {
    // before that there is nothing to make a view of
    if (this.view.isComplete) this.due ??= setImmediate(this.runGoing);
  }

  private listed(): void {
    if (this.view.isComplete) return this.schedule();
    this.run();
    log("info", "the cluster has been read", { domains: this.domains.size });
  }

  private register({ register, zone, nameServers, delegationTtl }: ClusterConfig, legacy: Legacy | undefined): Registration | undefined {
    if (!register) return undefined;
    // the parent may be away
    legacy?.delegations.forEach((servers, domain) => this.zones.delegate(domain, servers));
    const registered = nameServers.filter(({ name }) => register.as?.includes(name) ?? true);
    const registration = new Registration(
      { ...register, zone, nameServers: registered, ttl: delegationTtl },
      {
        delegated: (domain, servers) => {
          this.zones.delegate(domain, servers);
          this.schedule();
        },
        refused: (name: Name) => this.telling.refused(name, zone),
      },
    );
    // a delegation lives as long as it is renewed
    if (this.kept) registration.set(this.zones.delegated());
    return registration;
  }

  /** What is not known to be current is not kept. */
  private toKeep(): LastView | undefined {
    if (!this.view.isComplete || this.watch.lost() !== undefined) return undefined;
    return { published: this.zones.published(), owners: this.inventory.owners() };
  }
}

const claimSettings = (config: ClusterConfig): ConstructorParameters<typeof Inventory>[0] => ({
  ...config,
  nameServers: new Set(config.nameServers.map(({ name }) => name)),
  reserved: new Set(config.vanity.map(({ name }) => name)),
});
