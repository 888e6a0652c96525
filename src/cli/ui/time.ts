export { formatCount, formatLeft, formatSpan } from '../../domain/text/time.ts';
