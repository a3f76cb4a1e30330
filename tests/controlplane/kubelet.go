package main

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"
)

// The names below start with testplane, as in the plane that the shared behaviour records were made on: its
// scenarios carry the annotations, and its records the node name.
const (
	nodeName = "testplane-0"
	// Pod annotations that steer the stand-in kubelet.
	annotationPhase = "testplane/phase" // Running (default), Pending, Failed, Succeeded
	annotationReady = "testplane/ready" // "false": the pod runs, never ready
	annotationDelay = "testplane/delay" // a Go duration before the pod gets its phase
)

// runKubelet stands in for scheduler and kubelet: it binds each pod to one
// node, reports it running (succeeded where it is not restarted: jobs), and
// confirms deletions. No container is ever run.
func runKubelet(ctx context.Context, c *kubernetes.Clientset) {
	node := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: nodeName, Labels: map[string]string{
			"kubernetes.io/hostname": nodeName, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}},
		Status: corev1.NodeStatus{
			Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady"}},
			Capacity:   corev1.ResourceList{"cpu": resource.MustParse("1000"), "memory": resource.MustParse("1000Gi"), "pods": resource.MustParse("100000")},
		},
	}
	node.Status.Allocatable = node.Status.Capacity
	if _, err := c.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{}); err != nil {
		klog.ErrorS(err, "stand-in kubelet: creating the node")
	}
	f := informers.NewSharedInformerFactory(c, 0)
	q := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[string]())
	add := func(o any) {
		if key, err := cache.MetaNamespaceKeyFunc(o); err == nil {
			q.Add(key)
		}
	}
	pods := f.Core().V1().Pods()
	pods.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: add, UpdateFunc: func(_, o any) { add(o) }})
	f.Start(ctx.Done())
	f.WaitForCacheSync(ctx.Done())
	for range 4 {
		go func() {
			for {
				key, down := q.Get()
				if down {
					return
				}
				ns, name, _ := cache.SplitMetaNamespaceKey(key)
				if pod, err := pods.Lister().Pods(ns).Get(name); err == nil {
					if again, err := syncPod(ctx, c, pod.DeepCopy()); err != nil {
						q.AddRateLimited(key)
					} else if again > 0 {
						q.AddAfter(key, again)
					} else {
						q.Forget(key)
					}
				}
				q.Done(key)
			}
		}()
	}
	<-ctx.Done()
	q.ShutDown()
}

func syncPod(ctx context.Context, c *kubernetes.Clientset, p *corev1.Pod) (time.Duration, error) {
	api := c.CoreV1().Pods(p.Namespace)
	switch {
	case p.DeletionTimestamp != nil:
		now := int64(0)
		return 0, api.Delete(ctx, p.Name, metav1.DeleteOptions{GracePeriodSeconds: &now, Preconditions: &metav1.Preconditions{UID: &p.UID}})
	case p.Spec.NodeName == "":
		return 0, api.Bind(ctx, &corev1.Binding{
			ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: p.Name, UID: p.UID},
			Target:     corev1.ObjectReference{Kind: "Node", Name: nodeName}}, metav1.CreateOptions{})
	case p.Spec.NodeName != nodeName || p.Status.StartTime != nil:
		return 0, nil
	}
	if d, err := time.ParseDuration(p.Annotations[annotationDelay]); err == nil {
		if left := d - time.Since(p.CreationTimestamp.Time); left > 0 {
			return left, nil
		}
	}
	phase := corev1.PodPhase(p.Annotations[annotationPhase])
	if phase == "" {
		phase = corev1.PodRunning
		if p.Spec.RestartPolicy != corev1.RestartPolicyAlways {
			phase = corev1.PodSucceeded
		}
	}
	now := metav1.Now()
	ready := phase == corev1.PodRunning && p.Annotations[annotationReady] != "false"
	cond := func(t corev1.PodConditionType, ok bool) corev1.PodCondition {
		s := corev1.ConditionFalse
		if ok {
			s = corev1.ConditionTrue
		}
		return corev1.PodCondition{Type: t, Status: s, LastTransitionTime: now}
	}
	p.Status.Phase, p.Status.StartTime = phase, &now
	p.Status.HostIP, p.Status.PodIP = "127.0.0.1", fakeIP(p)
	p.Status.PodIPs = []corev1.PodIP{{IP: p.Status.PodIP}}
	p.Status.Conditions = []corev1.PodCondition{cond(corev1.PodScheduled, true), cond(corev1.PodInitialized, true),
		cond(corev1.ContainersReady, ready), cond(corev1.PodReady, ready)}
	p.Status.ContainerStatuses = nil
	for _, k := range p.Spec.Containers {
		s := corev1.ContainerStatus{Name: k.Name, Image: k.Image, ImageID: "testplane", Ready: ready, Started: &ready}
		switch phase {
		case corev1.PodRunning:
			s.State.Running = &corev1.ContainerStateRunning{StartedAt: now}
		case corev1.PodPending:
			s.State.Waiting = &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}
		case corev1.PodFailed:
			s.State.Terminated = &corev1.ContainerStateTerminated{ExitCode: 1, Reason: "Error", StartedAt: now, FinishedAt: now}
		default:
			s.State.Terminated = &corev1.ContainerStateTerminated{Reason: "Completed", StartedAt: now, FinishedAt: now}
		}
		p.Status.ContainerStatuses = append(p.Status.ContainerStatuses, s)
	}
	_, err := api.UpdateStatus(ctx, p, metav1.UpdateOptions{})
	return 0, err
}

func fakeIP(p *corev1.Pod) string {
	h := uint32(2166136261)
	for _, b := range []byte(p.UID) {
		h = (h ^ uint32(b)) * 16777619
	}
	return fmt.Sprintf("10.%d.%d.%d", 128+h>>24%64, h>>16&255, 1+h&127)
}
