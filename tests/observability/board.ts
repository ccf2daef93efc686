// The type of a dashboard file, of Grafana's own packages: an unknown or mistyped key of a literal
// is an error.
import type {
  AnnotationQuery, Dashboard, FieldConfig, FieldConfigSource, Panel, RowPanel, VariableModel,
} from './node_modules/@grafana/schema/dist/types/raw/dashboard/x/types.gen';
import type { GraphFieldConfig, TableFieldOptions } from '@grafana/schema';
import type { Options as TimeSeries }
  from './node_modules/@grafana/schema/dist/types/raw/composable/timeseries/panelcfg/x/types.gen';
import type { Options as Stat }
  from './node_modules/@grafana/schema/dist/types/raw/composable/stat/panelcfg/x/types.gen';
import type { Options as Table }
  from './node_modules/@grafana/schema/dist/types/raw/composable/table/panelcfg/x/types.gen';
import type { Options as BarGauge }
  from './node_modules/@grafana/schema/dist/types/raw/composable/bargauge/panelcfg/x/types.gen';
import type { Options as NodeGraph }
  from './node_modules/@grafana/schema/dist/types/raw/composable/nodegraph/panelcfg/x/types.gen';
import type { Options as Logs }
  from './node_modules/@grafana/schema/dist/types/raw/composable/logs/panelcfg/x/types.gen';
import type { Options as Text }
  from './node_modules/@grafana/schema/dist/types/raw/composable/text/panelcfg/x/types.gen';

// An enumeration is its values in JSON.
type Plain<T> = T extends string ? `${T}`
  : T extends number ? (number extends T ? T : `${T}` extends `${infer N extends number}` ? N : never)
  : T extends (infer I)[] ? Plain<I>[]
  : T extends object ? { [K in keyof T]: Plain<T[K]> }
  : T;

type Options = {
  timeseries: TimeSeries;
  stat: Stat;
  table: Table;
  bargauge: BarGauge;
  nodeGraph: NodeGraph;
  logs: Logs;
  text: Text;
};
type Custom = { timeseries: GraphFieldConfig; table: Partial<TableFieldOptions> };
type Of<K extends keyof Options> = Omit<Plain<Panel>, 'type' | 'options' | 'fieldConfig'> & {
  type: K;
  options: Plain<Options[K]>;
  fieldConfig: Omit<Plain<FieldConfigSource>, 'defaults'> & {
    defaults: Omit<Plain<FieldConfig>, 'custom'>
      & (K extends keyof Custom ? { custom?: Plain<Custom[K]> } : { custom?: never });
  };
};
type AnyPanel = { [K in keyof Options]: Of<K> }[keyof Options];
type Row = Omit<Plain<RowPanel>, 'panels'> & { title: string; panels: AnyPanel[] };
type Variable = Plain<VariableModel> & { definition: string };
// What the Prometheus data source adds to an annotation.
type Note = Plain<AnnotationQuery> & {
  expr: string;
  step: string;
  titleFormat: string;
  textFormat: string;
  tagKeys: string;
};
export type Board = Omit<Plain<Dashboard>, 'panels' | 'templating' | 'annotations'> & {
  panels: (AnyPanel | Row)[];
  templating: { list: Variable[] };
  annotations: { list: Note[] };
};
