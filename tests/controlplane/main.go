// Command controlplane is a throw-away Kubernetes control plane in one process, for tests and for the demo:
// etcd (embedded, no fsync), kube-apiserver, a part of kube-controller-manager, and a stand-in for scheduler and
// kubelet that makes pods run. It listens on 127.0.0.1 only, on ports that the operating system picks.
//
//	controlplane --dir DIR   # writes DIR/kubeconfig, then DIR/ready; ends on SIGTERM, or with
//	                         # --exit-with-stdin when stdin reaches its end
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	logsapi "k8s.io/component-base/logs/api/v1"
)

const startLimit = 2 * time.Minute

type options struct {
	dir           string
	removeDir     bool
	controllers   string
	kubelet       bool
	apiserverArgs string
	port          int
	exitWithStdin bool
	verbosity     int
}

func main() {
	var o options
	flag.StringVar(&o.dir, "dir", "", "state directory (required; what an earlier run left in it is removed)")
	flag.BoolVar(&o.removeDir, "remove-dir", false, "remove the state directory at the end")
	flag.StringVar(&o.controllers, "controllers", defaultControllers, "controllers of kube-controller-manager to run; empty: none")
	flag.BoolVar(&o.kubelet, "kubelet", true, "bind pods to a made-up node and report them running")
	flag.StringVar(&o.apiserverArgs, "apiserver-args", "", "more kube-apiserver flags, separated by spaces")
	flag.IntVar(&o.port, "port", 0, "port of the API server on 127.0.0.1; 0: any")
	flag.BoolVar(&o.exitWithStdin, "exit-with-stdin", false, "end when stdin reaches its end")
	flag.IntVar(&o.verbosity, "log-v", 0, "verbosity of DIR/controlplane.log")
	flag.Parse()

	// Clients are known to the API server by the program's name: it becomes the field manager of what the controllers
	// write. The records name the plane that they were made on, as the kubelet's annotations do.
	os.Args[0] = "testplane"

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if o.exitWithStdin {
		go func() { io.Copy(io.Discard, os.Stdin); stop() }()
	}
	err := run(ctx, &o)
	if err != nil {
		fmt.Fprintln(os.Stdout, "controlplane:", err)
	}
	if o.removeDir && o.dir != "" {
		os.RemoveAll(o.dir)
	}
	if err != nil {
		os.Exit(1)
	}
}

func run(ctx context.Context, o *options) error {
	if o.dir == "" {
		return fmt.Errorf("--dir is required")
	}
	start := time.Now()
	for _, name := range []string{"etcd", "ready", "kubeconfig"} {
		if err := os.RemoveAll(filepath.Join(o.dir, name)); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return err
	}
	if err := logTo(filepath.Join(o.dir, "controlplane.log")); err != nil {
		return err
	}
	pki, err := newPKI(o.dir)
	if err != nil {
		return err
	}
	etcd, etcdURL, err := startEtcd(filepath.Join(o.dir, "etcd"))
	if err != nil {
		return fmt.Errorf("etcd: %w", err)
	}
	defer etcd.Close()

	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", o.port))
	if err != nil {
		return err
	}
	server := "https://" + listener.Addr().String()
	failed := make(chan error, 2)
	go func() { failed <- runAPIServer(ctx, o, listener, etcdURL, pki) }()

	// The kubeconfig gets its name when everything runs: whoever waits for it may use it at once.
	unready := filepath.Join(o.dir, "kubeconfig.tmp")
	if err := writeKubeconfig(unready, server, pki, "admin", "system:masters"); err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", unready)
	if err != nil {
		return err
	}
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	if err := poll(ctx, failed, "/readyz", func() bool {
		_, err := client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		return err == nil
	}); err != nil {
		return err
	}
	if o.controllers != "" {
		path := filepath.Join(o.dir, "controllers.kubeconfig")
		if err := writeKubeconfig(path, server, pki, "system:kube-controller-manager", "system:masters"); err != nil {
			return err
		}
		go func() { failed <- runControllers(ctx, o, path, pki) }()
	}
	if o.kubelet {
		go runKubelet(ctx, client)
	}
	if o.controllers != "" {
		if err := poll(ctx, failed, "service account default/default", func() bool {
			_, err := client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
			return err == nil
		}); err != nil {
			return err
		}
	}
	if err := os.Rename(unready, filepath.Join(o.dir, "kubeconfig")); err != nil {
		return err
	}
	line := fmt.Sprintf("%s pid=%d started_in=%.2fs\n", server, os.Getpid(), time.Since(start).Seconds())
	if err := os.WriteFile(filepath.Join(o.dir, "ready"), []byte(line), 0o644); err != nil {
		return err
	}
	fmt.Print(line)

	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return nil // Nothing is kept, so nothing is drained: etcd is closed and the process ends.
	}
}

// logTo points file descriptor 2 at path: the Kubernetes components set up their own logging to stderr, and a
// panic ends up there too. Stdout stays ours.
func logTo(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	logsapi.ReapplyHandling = logsapi.ReapplyHandlingIgnoreUnchanged
	return unix.Dup2(int(file.Fd()), 2)
}

// poll calls done until it is true; an error of a component, the end of ctx, or startLimit end the wait.
func poll(ctx context.Context, failed <-chan error, what string, done func() bool) error {
	deadline := time.After(startLimit)
	for !done() {
		select {
		case err := <-failed:
			return fmt.Errorf("waiting for %s: a component ended: %w", what, err)
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline:
			return fmt.Errorf("waiting for %s: not reached in %s", what, startLimit)
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}

func writeKubeconfig(path, server string, p *pki, user, group string) error {
	crt, key, err := p.issue(user, group)
	if err != nil {
		return err
	}
	c := clientcmdapi.NewConfig()
	c.Clusters["controlplane"] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: p.caPEM}
	c.AuthInfos[user] = &clientcmdapi.AuthInfo{ClientCertificateData: crt, ClientKeyData: key}
	c.Contexts["controlplane"] = &clientcmdapi.Context{Cluster: "controlplane", AuthInfo: user, Namespace: "default"}
	c.CurrentContext = "controlplane"
	return clientcmd.WriteToFile(*c, path)
}
