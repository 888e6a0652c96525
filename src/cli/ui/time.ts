export { formatCount, formatLeft, formatSpan } from '../../core/text/time.ts';
