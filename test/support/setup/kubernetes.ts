import { getKubernetesTools } from '../kubernetes.ts';

/** Builds helm and kubeconform before the first test: the compiler would slow the others down for minutes. */
export default async function setup(): Promise<void> {
  await getKubernetesTools();
}
