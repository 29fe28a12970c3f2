/** The image of pod sandboxes; it exists on each node only, and never comes from a registry. */
export const pauseImage = "peak.local/pause:1";

/**
 * A script that makes the sandbox image from Debian's catatonit (a static init whose -P mode waits and reaps) and imports it
 * into containerd: no registry has to be reachable before the first pod can start. Pure.
 */
export function renderPauseImage(): string {
  return `#!/bin/sh
set -eu
ctr --namespace k8s.io images ls --quiet | grep -qx '${pauseImage}' && exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/root" "$work/image"
cp /usr/bin/catatonit "$work/root/pause"
tar -C "$work/root" --sort=name --mtime=@0 --owner=0 --group=0 -cf "$work/image/layer.tar" pause
diff=$(sha256sum "$work/image/layer.tar" | cut -d ' ' -f 1)
cat > "$work/image/config.json" <<END
{"architecture":"$(dpkg --print-architecture)","os":"linux","config":{"Entrypoint":["/pause","-P"],"User":"65535:65535"},"rootfs":{"type":"layers","diff_ids":["sha256:$diff"]}}
END
echo '[{"Config":"config.json","RepoTags":["${pauseImage}"],"Layers":["layer.tar"]}]' > "$work/image/manifest.json"
tar -C "$work/image" -cf "$work/pause.tar" manifest.json config.json layer.tar
ctr --namespace k8s.io images import "$work/pause.tar"
`;
}
