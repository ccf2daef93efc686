import sys, time, json, re
from pathlib import Path
sys.path.insert(0, str(Path(__file__).parent))
from collections import Counter
from hide import Hidden
from measures import mojofm, adjusted_rand
from migrator.model.graph_file import read_graph
from migrator.plan import moves as M, ties as T, search as S
from migrator.plan.reachability import Edges
from migrator.plan.roles import roles
from migrator.plan.weights import DEFAULT
from migrator.plan.constraints import Constraints
APPS = {
 'indico': [r'indico\.modules\.events\.(\w+)', r'indico\.modules\.(?!events\b)(\w+)'],
 'sample': [r'jobmarket\.(accounts|applications|billing|companies|jobs|messaging|notifications|reporting|search)'],
 'apache-superset': [r'superset\.(charts|dashboards|databases|datasets|reports|tags|themes|annotation_layers|key_value|row_level_security|css_templates|queries|sqllab)',],
}
def truth(g, pats):
    out={}
    for d in g.definitions:
        for p in pats:
            m=re.match(p+r'(\.|:|$)', d.id)
            if m:
                out[d.id]=m[1]; break
    tables={out[t.definition] for t in g.tables if t.definition in out}
    sizes=Counter(out.values())
    return {d:c for d,c in out.items() if c in tables and sizes[c]>=10}
def louvain(ids, imports, K):
    import networkx as nx
    mods={i.partition(':')[0] for i in ids}
    G=nx.Graph(); G.add_nodes_from(sorted(mods)); G.add_edges_from(sorted({(i.source,i.target) for i in imports if i.source in mods and i.target in mods and i.source!=i.target}))
    best=None
    lo,hi=0.05,30
    for _ in range(10):
        mid=(lo*hi)**.5
        parts=nx.community.louvain_communities(G,resolution=mid,seed=7)
        if best is None or abs(len(parts)-K)<abs(len(best)-K): best=parts
        if len(parts)==K: break
        if len(parts)>K: hi=mid
        else: lo=mid
    home={m:i for i,p in enumerate(best) for m in p}
    return {i:home[i.partition(':')[0]] for i in ids}
if __name__=='__main__':
    for a in sys.argv[1:] or APPS:
        g=read_graph(Path(f'/tmp/pl/g/{a}/.migrator/graph.json'))
        tr=truth(g,APPS[a]); K=len(set(tr.values()))
        h=Hidden(g); tr2={i:tr[t] for i,t in h.names.items() if t in tr}
        t0=time.time()
        r=roles(h.graph,Edges.of(h.graph)); t1=time.time()
        ti=T.ties(h.graph, r.glue, DEFAULT); t2=time.time()
        parts=S.Search(ti,Constraints()).into(K); t3=time.time(); p2=M.settled(h.graph,ti,parts,Constraints(),DEFAULT,r.pure); t4=time.time()
        node=T.node_of(h.graph)
        home={d:str(parts.get(node[d],'glue')) for d in tr2}
        print(a,'K',K,len(tr2),'roles %.2f ties %.2f search %.2f'%(t1-t0,t2-t1,t3-t2), 'glue in truth',sum(d in r.glue for d in tr2))
        print('  mine', round(mojofm(home,tr2),1), round(adjusted_rand(home,tr2),3), sorted(Counter(home.values()).values())[::-1][:40])
        home={d:str(p2.get(node[d],'glue')) for d in tr2}; print('  sett', round(mojofm(home,tr2),1), round(adjusted_rand(home,tr2),3), 'moves %.2f'%(t4-t3), sorted(Counter(home.values()).values())[::-1][:40], sum(p2[n]!=parts[n] for n in p2))
        lv=louvain(tr2,h.graph.imports,K); print('  louv', round(mojofm(lv,tr2),1), round(adjusted_rand(lv,tr2),3), sorted(Counter(lv.values()).values())[::-1][:40])
        print('  truth', sorted(Counter(tr.values()).values())[::-1])
def confusion(home,tr):
    c=Counter((home[d],tr[d]) for d in tr)
    by={}
    for (h,t),n in c.items(): by.setdefault(h,[]).append((n,t))
    for h,l in sorted(by.items(), key=lambda x:-sum(n for n,_ in x[1])): print('   ',sum(n for n,_ in l), sorted(l)[::-1][:6])
