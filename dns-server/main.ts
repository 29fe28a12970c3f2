import { Command } from 'commander';
import { loadConfig } from './config.ts';
import { UserError } from './errors.ts';
import { closeOnSignal, startServer } from './server.ts';

const program = new Command('peakdns').description('PeakDNS: an authoritative name server whose records are pods');

program.command('serve')
  .description('answer queries until SIGTERM')
  .requiredOption('--config <file>', 'configuration (YAML)')
  .action(async ({ config }: { config: string }) => {
    await closeOnSignal(await startServer(loadConfig(config)));
    process.exit(0);
  });

try {
  await program.parseAsync();
} catch (error) {
  const system = (error as NodeJS.ErrnoException).syscall !== undefined;
  if (!(error instanceof UserError) && !system) throw error;
  process.stderr.write(`peakdns: ${(error as Error).message}\n`);
  process.exit(2);
}
