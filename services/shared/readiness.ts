/** Whether this process wants new clients. It does until it is asked to stop; from then on it only serves those that still come. */
export class Readiness {
  #ready = true;

  get ready(): boolean {
    return this.#ready;
  }

  drain(): void {
    this.#ready = false;
  }
}
