import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Job, JobResult } from './worker.ts';

/**
 * Runs the jobs on all cores, each core a process of its own, and hands the results over as they come. Which process
 * runs a job has no part in its result.
 */
export async function runJobs(
  jobs: Iterator<Job>,
  onResult: (result: JobResult) => void,
  processes = availableParallelism(),
): Promise<void> {
  const workers = Array.from({ length: processes }, () => fork(fileURLToPath(new URL('./worker.ts', import.meta.url))));
  try {
    await Promise.all(workers.map((worker) => serve(worker, jobs, onResult)));
  } finally {
    for (const worker of workers) worker.kill();
  }
}

function serve(worker: ChildProcess, jobs: Iterator<Job>, onResult: (result: JobResult) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const next = (): void => {
      const job = jobs.next();
      if (job.done) resolve();
      else worker.send(job.value);
    };
    worker.on('message', (message) => {
      onResult(message as JobResult);
      next();
    });
    worker.on('error', reject);
    worker.on('exit', (code, signal) => reject(new Error(`a worker ended with ${signal ?? code}`)));
    next();
  });
}
